import type { TrackerEvent } from '../core/delivery.ts';
import { readSignal } from '../core/prompt-signal.ts';
import { hintOf, type Ticket, type TicketHint } from '../core/ticket.ts';
import { heardUntil, noteHeardUntil, ofTheAgent, unheardOf } from '../store/lost-words.ts';
import { currentConversation, sessionIdOf } from '../store/sessions.ts';
import type { TicketPage, Tracker } from '../trackers/tracker.ts';
import { applyNow, type SortDeps } from './sort.ts';

interface Reading {
  /** null: there is no such ticket; undefined: it cannot be read now. */
  read(hint: TicketHint): Promise<Ticket | null | undefined>;
  list(query: { spokenSince: string }, cursor: string | null): Promise<TicketPage>;
}

/**
 * What people said on tickets of the agent without a webhook that told of it: each comment since the last round that heard
 * all of them is taken in once, as its delivery would have been. Only tickets on which people have spoken are read.
 */
export async function hearLostWords(deps: SortDeps, tracker: Tracker, { read, list }: Reading): Promise<void> {
  const { since, until } = await heardUntil(deps.db, tracker.kind);
  let areAllHeard = true;
  let cursor: string | null = null;
  do {
    const page: TicketPage = await list({ spokenSince: since }, cursor);
    for (const hint of await ofTheAgent(deps.db, page.tickets)) {
      const ticket = await read(hint);
      if (ticket) await takeIn(deps, ticket, { since, until });
      areAllHeard &&= ticket !== undefined;
    }
    cursor = page.next;
  } while (cursor !== null);
  if (areAllHeard) await noteHeardUntil(deps.db, tracker.kind, until);
}

async function takeIn(deps: SortDeps, ticket: Ticket, { since, until }: { since: string; until: string }) {
  const [from, to] = [Date.parse(since), Date.parse(until)];
  const said = ticket.comments.filter(
    ({ author, at }) => !author.isBot && Date.parse(at) >= from && Date.parse(at) <= to,
  );
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
