import type { TicketOperation } from '../../../core/effect.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { Sent } from '../../tracker.ts';
import { LinearError } from '../errors.ts';
import { conversationRefOf } from '../hint.ts';
import type { TeamState } from '../states.ts';
import { type Carried, execute } from './execute.ts';
import { issueIn, look, sessionIn } from './look.ts';
import { memoryOf } from './memory.ts';
import { moveIssue, overtaken } from './move-ticket.ts';
import { type Mutation, packed } from './mutations.ts';
import type { Place } from './place.ts';
import { conversationsOf, namedSession, type Prepared, prepare, type Standing } from './prepare.ts';
import { begin } from './take-ticket.ts';

/**
 * Sends operations in as few documents as they fit into, with one look at the issue before them where they need one. What
 * may be refused for what we remember of the workspace is prepared once more, by what is so now. Throws only for the signal.
 */
export async function sendTogether(place: Place, operations: readonly TicketOperation[]): Promise<Sent[]> {
  const sent = await tryTogether(place, operations);
  const [last, refused] = [sent.at(-1), operations[sent.length - 1]];
  if (!refused || !last || !('error' in last) || !mayBeStale(place, refused, last.error)) return sent;
  place.cache.forget(place.workspace);
  memoryOf(place.client).forget(place.hint.id);
  return [...sent.slice(0, -1), ...(await tryTogether(place, operations.slice(sent.length - 1)))];
}

/**
 * Words for an agent session that their conversation names are refused for what they are, but where Linear does not have that
 * session any more: then they are for the one that the issue has.
 */
function mayBeStale({ client }: Place, operation: TicketOperation, error: unknown): boolean {
  if (!(error instanceof VendorError) || error.retryable) return false;
  if (!('conversation' in operation)) return true;
  const named = conversationRefOf(operation.conversation)?.agentSession ?? null;
  if (named === null) return true;
  if (!(error instanceof LinearError) || error.code !== 'not_found') return false;
  memoryOf(client).noteGone(named);
  return true;
}

async function tryTogether(place: Place, operations: readonly TicketOperation[]): Promise<Sent[]> {
  const prepared: Prepared[] = [];
  const failed: Sent[] = [];
  try {
    const standing = await standingFor(place, operations);
    for (const operation of operations) prepared.push(await prepare(place, standing, operation));
  } catch (error) {
    place.signal.throwIfAborted();
    failed.push({ error });
  }
  const sent: Sent[] = [];
  for (const pack of packed(prepared)) {
    const answers = await sendPack(place, pack);
    sent.push(...answers);
    if (answers.some((answer) => 'error' in answer)) return sent;
  }
  return [...sent, ...failed];
}

/** What must be known of the issue before anything is prepared: read only where an operation needs it and it is not fresh. */
async function standingFor(place: Place, operations: readonly TicketOperation[]): Promise<Standing> {
  const { client, hint, signal } = place;
  const memory = memoryOf(client);
  const asks = (kind: TicketOperation['kind']) => operations.some((operation) => operation.kind === kind);
  const isUnnamed = (conversation: unknown) => namedSession(conversation, place) === null;
  const unnamed = operations.flatMap(conversationsOf).filter(isUnnamed);
  const speaks = unnamed.length > 0;
  // Nobody begins a conversation to say that it is left.
  const begun = operations.some((each) => each.kind !== 'leaveConversation' && conversationsOf(each).some(isUnnamed));
  const comments = unnamed.flatMap((conversation) => conversationRefOf(conversation)?.comment ?? []);
  const [now, session, any] = [memory.seen(hint.id), memory.newestOf(hint.id), memory.sessionOf(hint.id)];
  const mustLook =
    asks('attachPullRequest') ||
    asks('releaseTicket') ||
    // Without a session that shows the issue just before it is moved, a person's move would be overlooked.
    (asks('moveTicket') && (!now || any === null)) ||
    operations.some((operation) => begins(operation) && now?.delegateId === null && now.isMentioned === null) ||
    (speaks && session === null) ||
    comments.length > 0;
  if (!mustLook) return { now, session, any, looked: null, isShown: false };
  const asked = performance.now();
  const looked = await look(client, { ...place, issue: hint.id }, signal);
  memory.see(looked, asked);
  const own = looked.sessions[0]?.id ?? (begun ? await beginSession(place) : null);
  if (own !== null) memory.keepNewest(hint.id, own);
  for (const { id, thread } of comments) {
    const found =
      looked.sessions.find((each) => each.source === id) ?? looked.sessions.find((each) => each.thread === thread);
    const used = found?.id ?? own;
    if (used !== null) memory.keepSession(id, used);
  }
  return { now: looked, session: own, any: own, looked, isShown: false };
}

/** Then it matters, where nobody has the issue, whether the agent was mentioned there. */
function begins(operation: TicketOperation): boolean {
  return operation.kind === 'moveTicket' && operation.to === 'started';
}

async function beginSession(place: Place): Promise<string> {
  const { payloads, refused } = await execute(place, [begin(place.hint.id)]);
  const id = (payloads[0] as { agentSession?: { id?: string } } | undefined)?.agentSession?.id;
  if (id !== undefined) return id;
  throw refused ?? new Error('Linear began an agent session and did not say which.');
}

/** One document, and its answers. */
async function sendPack(place: Place, pack: readonly Prepared[]): Promise<Sent[]> {
  const mutations = pack.flatMap((prepared) => prepared.mutations);
  let carried: Carried = { payloads: [], refused: null };
  try {
    if (mutations.length > 0) carried = await execute(place, mutations);
  } catch (error) {
    place.signal.throwIfAborted();
    memoryOf(place.client).forget(place.hint.id); // nobody knows what was carried out
    return [{ error }];
  }
  remember(place, carried);
  const { sent, chosen } = readAnswers(place, pack, carried);
  if (chosen) await moveBack(place, chosen);
  await mend(place, pack, carried);
  return sent;
}

function remember(place: Place, { payloads, refused }: Carried): void {
  const memory = memoryOf(place.client);
  if (payloads.length === 0) return;
  const session = payloads.map(sessionIn).findLast((id) => id !== null);
  if (session) memory.keepSession(place.hint.id, session);
  const now = refused ? null : issueIn(payloads.at(-1));
  if (now?.id === place.hint.id) memory.see(now);
  else memory.unsee(place.hint.id);
}

/** `chosen`: the state that a person gave the issue before it was moved, without our seeing it. */
function readAnswers(
  { hint }: Place,
  pack: readonly Prepared[],
  carried: Carried,
): { sent: Sent[]; chosen: TeamState | null } {
  const sent: Sent[] = [];
  let from = 0;
  let chosen: TeamState | null = null;
  for (const { mutations, answer, moved } of pack) {
    const payloads = carried.payloads.slice(from, from + mutations.length);
    if (payloads.length < mutations.length) return { sent: [...sent, { error: carried.refused }], chosen };
    from += mutations.length;
    const before = issueIn(carried.payloads[from - 2]);
    if (moved) chosen ??= overtaken(moved, payloads.at(-1) ?? {}, before?.id === hint.id ? before.stateId : null);
    try {
      sent.push({ result: moved && chosen ? { skipped: putBack(chosen) } : answer(payloads) });
    } catch (error) {
      return { sent: [...sent, { error }], chosen };
    }
  }
  return { sent, chosen };
}

async function mend(place: Place, pack: readonly Prepared[], { payloads }: Carried): Promise<void> {
  let from = 0;
  const mutations: Mutation[] = [];
  for (const { mutations: sent, mend } of pack) {
    const more = mend?.(payloads.slice(from, from + sent.length)) ?? null;
    if (more) mutations.push(more);
    from += sent.length;
  }
  if (mutations.length > 0) await execute(place, mutations).catch(() => place.signal.throwIfAborted());
}

function putBack({ name }: TeamState): string {
  return `A person moved the ticket to "${name}", so it is there.`;
}

/** Where this fails the ticket stays where we have moved it: there is nobody to tell, and people see it. */
async function moveBack(place: Place, { id }: TeamState): Promise<void> {
  memoryOf(place.client).unsee(place.hint.id);
  await execute(place, [moveIssue(place.hint.id, id, null)]).catch(() => place.signal.throwIfAborted());
}
