import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Check } from '../core/check.ts';
import { parse, reasonOf } from './token-endpoint.ts';

/** How the check finds out what the service that runs has received. */
export interface WebhookWatch {
  /**
   * Kinds of event that have come in and name this ticket; which of them came too late to be acted on; and whether any request
   * was refused for its signature.
   */
  arrivals(ticket: string): Promise<{ events: string[]; late: string[]; refused: boolean }>;
  /** The address that the vendor is to be told; null: it is not known here. */
  url: string | null;
  /** Whether what signs them is set at all. */
  areSigned: boolean;
  waitMs: number;
}

/** What people are told of a vendor's webhooks, each with what to do. */
export interface WebhookWords {
  unsigned: Told;
  /** Signed with another secret. */
  refused: Told;
  late: Told;
  /** Some came, but none of a kind that the agent needs; `waited`: "within 30 s". */
  incomplete(came: string[], missing: string[], waited: string): Told;
  /** `http.publicUrl` is not set. */
  noAddress: string;
  /** Nothing stands between, but nothing came. */
  elsewhere: string;
}

type Told = [message: string, remedy: string];

const name = 'webhooks';

/** Waits until webhooks of each of these kinds have come that a ticket has caused. Where they do not, what stands between is looked for. */
export async function checkWebhooks(
  watch: WebhookWatch,
  ticket: string,
  wanted: readonly string[],
  words: WebhookWords,
  signal: AbortSignal,
): Promise<Check> {
  const missing = ([message, remedy]: Told): Check => ({ name, status: 'missing', message, remedy });
  if (!watch.areSigned) return missing(words.unsigned);
  let came: Awaited<ReturnType<WebhookWatch['arrivals']>>;
  for (const until = performance.now() + watch.waitMs; ; ) {
    came = await watch.arrivals(ticket);
    const { events, late, refused } = came;
    if (wanted.every((kind) => events.includes(kind)))
      return { name, status: 'ok', message: 'they arrive, and their signature is right' };
    if (wanted.every((kind) => events.includes(kind) || late.includes(kind))) break;
    if (events.length + late.length === 0 && refused) return missing(words.refused);
    if (performance.now() >= until) break;
    await delay(500, undefined, { signal });
  }
  const waited = `within ${Math.round(watch.waitMs / 1000)} s`;
  if (came.late.length > 0) return missing(words.late);
  if (came.events.length > 0) {
    const lacking = wanted.filter((kind) => !came.events.includes(kind));
    return missing(words.incomplete(came.events, lacking, waited));
  }
  if (watch.url === null) return missing([`none arrived ${waited}`, words.noAddress]);
  const wrong = await lookAtUrl(watch.url, signal);
  if (wrong !== null) return missing([`none arrived ${waited}: ${wrong[0]}`, wrong[1]]);
  return missing([
    `none arrived ${waited}, although ${new URL(watch.url).origin} leads to Shipmate`,
    `${words.elsewhere} The service that runs there must use the same database as this command.`,
  ]);
}

/** What stands between the public address and the service; null: nothing. From here, which may not be from outside. */
async function lookAtUrl(url: string, signal: AbortSignal): Promise<Told | null> {
  const health = new URL('../health', url).href;
  try {
    const response = await fetch(health, { signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) });
    const said = z.object({ status: z.string() }).safeParse(parse(await response.text()));
    if (said.success && response.status === 200) return null;
    if (said.success) return [`the service at ${health} says "${said.data.status}"`, 'Look at its log.'];
    return [
      `something else answers at ${health} (HTTP ${response.status})`,
      'Point the reverse proxy or tunnel at the service (http.host and http.port), or correct http.publicUrl.',
    ];
  } catch (error) {
    signal.throwIfAborted();
    return [
      `${health} cannot be reached (${reasonOf(error)})`,
      'Start the service (`shipmate start`), and the reverse proxy or tunnel before it; or correct http.publicUrl.',
    ];
  }
}
