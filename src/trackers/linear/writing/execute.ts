import type { VendorError } from '../../../core/vendor-error.ts';
import { LinearError } from '../errors.ts';
import { findOurs } from './find-ours.ts';
import { aliasOf, type Mutation, type Payload, writeDocument } from './mutations.ts';
import type { Asking } from './place.ts';

/** How far a row of mutations came: one payload for each that was carried out, and what Linear says of the one that was not. */
export interface Carried {
  payloads: Payload[];
  refused: VendorError | null;
}

/**
 * Carries mutations out in their order, in one request if Linear refuses none. What it refuses because its id is taken was
 * sent before, and what is not there yet goes out without it. Throws `VendorError` where nobody knows how far it came: all
 * of it may be sent again.
 */
export async function execute(asking: Asking, mutations: readonly Mutation[]): Promise<Carried> {
  const payloads = mutations.map((): Payload => ({}));
  let open = mutations.map((mutation, place) => ({ mutation, place }));
  while (open.length > 0) {
    const answer = await ask(
      asking,
      open.map(({ mutation }) => mutation),
    );
    if (!answer.refused) {
      for (const [index, { place }] of open.entries()) payloads[place] = answer.payloads[index] ?? {};
      break;
    }
    const { error } = answer.refused;
    const at = answer.refused.at ?? (open.length === 1 ? 0 : null);
    if (at === null) return oneByOne(asking, open, payloads);
    // Of those before it in this document the answers are lost.
    const there = await findOurs(
      asking,
      open.map(({ mutation }) => mutation),
    );
    for (const { mutation, place } of open) payloads[place] = there.get(mutation.makes?.id ?? '') ?? {};
    const { mutation, place } = open[at] as (typeof open)[number];
    open = open.slice(at + 1).filter(({ mutation }) => !there.has(mutation.makes?.id ?? ''));
    if (there.has(mutation.makes?.id ?? '') || wasTaken(mutation, error)) continue;
    if (mutation.instead) open.unshift({ mutation: mutation.instead, place });
    else if (!mutation.isOptional) return { payloads: payloads.slice(0, place), refused: error };
  }
  return { payloads, refused: null };
}

async function ask(
  { client, workspace, signal }: Asking,
  mutations: readonly Mutation[],
): Promise<{ payloads: Payload[]; refused: { at: number | null; error: VendorError } | null }> {
  const { document, variables } = writeDocument(mutations);
  try {
    const data = await client.request<Record<string, Payload | null>>(workspace, document, variables, signal);
    return { payloads: mutations.map((_, place) => data[aliasOf(place)] ?? {}), refused: null };
  } catch (error) {
    if (!(error instanceof LinearError) || error.retryable) throw error;
    const at = mutations.findIndex((_, index) => aliasOf(index) === error.path?.[0]);
    return { payloads: [], refused: { at: at < 0 ? null : at, error } };
  }
}

/** Linear did not say which of them it refuses. */
async function oneByOne(
  asking: Asking,
  open: readonly { mutation: Mutation; place: number }[],
  payloads: Payload[],
): Promise<Carried> {
  for (const { mutation, place } of open) {
    const carried = await execute(asking, [mutation]);
    if (carried.refused) return { payloads: payloads.slice(0, place), refused: carried.refused };
    payloads[place] = carried.payloads[0] ?? {};
  }
  return { payloads, refused: null };
}

/** An ephemeral activity may be gone already, and its id be taken all the same. */
function wasTaken({ makes }: Mutation, { message }: VendorError): boolean {
  return makes !== undefined && /already (exists|in use)|conflict on insert|duplicate (key|id)/i.test(message);
}
