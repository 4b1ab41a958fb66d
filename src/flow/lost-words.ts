import type { TrackerEvent } from '../core/delivery.ts';
import { readSignal } from '../core/prompt-signal.ts';
import { hintOf, type Ticket, type TicketComment, type TicketHint } from '../core/ticket.ts';
import {
  caughtUp,
  fellBehind,
  heardUntil,
  listBehind,
  noteHeardUntil,
  ofTheAgent,
  unheardOf,
} from '../store/lost-words.ts';
import { currentConversation, sessionIdOf } from '../store/sessions.ts';
import type { TicketPage, Tracker } from '../trackers/tracker.ts';
import { applyNow, type SortDeps } from './sort.ts';

interface Reading {
  /** null: there is no such ticket; undefined: it cannot be read now. */
  read(hint: TicketHint): Promise<Ticket | null | undefined>;
  list(query: { spokenSince: string }, cursor: string | null): Promise<TicketPage>;
  /** Of a tracker that cannot tell: what becomes of a ticket that is not the agent's, and on which somebody may have called it. */
  called: ((ticket: Ticket) => Promise<void>) | null;
}

/**
 * What people said on tickets of the agent without a webhook that told of it: each comment since the last round that heard
 * all of them is taken in once, as its delivery would have been. Only tickets on which people have spoken are read. An
 * account that was passed over is listened to from there on when it is not any more, and holds up no other.
 */
export async function hearLostWords(deps: SortDeps, tracker: Tracker, reading: Reading): Promise<void> {
  const { db } = deps;
  const { kind } = tracker;
  const times = await heardUntil(db, kind, { hasWebhooks: reading.called === null });
  const behind = await listBehind(db, kind);
  const heard = await hear(deps, reading, times, () => true);
  for (const account of heard.passedOver) await fellBehind(db, kind, account);
  if (heard.areAll) await noteHeardUntil(db, kind, times.until);
  for (const account of behind) {
    if (heard.passedOver.has(account)) continue;
    const { since } = await heardUntil(db, kind, { account });
    const { areAll, passedOver } = await hear(deps, reading, { ...times, since }, (hint) => hint.account === account);
    if (areAll && !passedOver.has(account)) await caughtUp(db, kind, account);
  }
}

interface Times {
  since: string;
  until: string;
}

/** `areAll`: those of all tickets that were listed, though not of accounts that were passed over. */
async function hear(
  deps: SortDeps,
  { read, list, called }: Reading,
  times: Times,
  isWanted: (hint: TicketHint) => boolean,
): Promise<{ areAll: boolean; passedOver: Set<string> }> {
  const passedOver = new Set<string>();
  let areAll = true;
  let cursor: string | null = null;
  do {
    const page: TicketPage = await list({ spokenSince: times.since }, cursor);
    for (const { account } of page.passedOver ?? []) if (account !== undefined) passedOver.add(account);
    const spoken = page.tickets.filter(isWanted);
    const ours = await ofTheAgent(deps.db, spoken);
    for (const hint of called ? spoken : ours) {
      const ticket = await read(hint);
      if (ticket && ours.includes(hint)) await takeIn(deps, ticket, times);
      else if (ticket && called && saidIn(ticket, times).some(({ body }) => body.includes('@'))) await called(ticket);
      areAll &&= ticket !== undefined;
    }
    cursor = page.next;
  } while (cursor !== null);
  return { areAll, passedOver };
}

function saidIn(ticket: Ticket, { since, until }: Times): TicketComment[] {
  const [from, to] = [Date.parse(since), Date.parse(until)];
  return ticket.comments
    .filter(({ author, isAside }) => !author.isBot && !isAside)
    .filter(({ at }) => Date.parse(at) >= from && Date.parse(at) <= to);
}

async function takeIn(deps: SortDeps, ticket: Ticket, times: Times) {
  const said = saidIn(ticket, times);
  await applyNow(deps, async (tx) => {
    const unheard = await unheardOf(tx, ticket, said);
    if (unheard.length === 0) return [];
    const fields = { ticket: ticket.identifier, comments: unheard.length };
    deps.log.info(fields, 'people have said something that no webhook told of');
    // Where it was said is not known of a comment: it is answered where people talked last.
    const conversation = (await currentConversation(tx, sessionIdOf(ticket))) ?? {
      key: `${ticket.tracker}:${ticket.id}`,
      ref: ticket.ref,
    };
    return unheard.map(({ id: key, author, body, at }): TrackerEvent => {
      const said = { key, author, body, signal: readSignal(body, deps.name), at };
      return { type: 'prompted', ticket: hintOf(ticket), conversation, said };
    });
  });
}
