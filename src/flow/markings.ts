import type { TrackerEvent } from '../core/delivery.ts';
import { type ApprovalMarks, hasMarks, type MarkingBy, readMarking } from '../core/marking.ts';
import type { TicketHint } from '../core/ticket.ts';
import type { Database, Tx } from '../store/database.ts';
import { isSaid } from '../store/prompts.ts';
import { newestProposal, type ProposalRow } from '../store/proposals.ts';
import { currentConversation, sessionIdOf } from '../store/sessions.ts';
import { listAtWork } from '../store/sessions-at-work.ts';
import type { Tracker } from '../trackers/tracker.ts';

type Prompted = Extract<TrackerEvent, { type: 'prompted' }>;

/**
 * What somebody says of the ticket's proposal by a label or a field, as if it were said in a comment: who may approve, and when
 * it was, are judged as of any word. null: nothing, or there is nothing that it could be about; what was there before
 * people could see the proposal says nothing of it.
 */
export async function saidByMarking(
  db: Database | Tx,
  ticket: TicketHint,
  marking: MarkingBy | null,
  marks: ApprovalMarks,
): Promise<Prompted | null> {
  const body = marking && readMarking(marking, marks);
  if (!body || marking.by.isBot) return null;
  const session = sessionIdOf(ticket);
  const key = `marking/${marking.key}`;
  const proposal = await newestProposal(db, session);
  if (!proposal || !isAbout(proposal, marking.at) || (await isSaid(db, session, key))) return null;
  const here = (await currentConversation(db, session)) ?? { key: `${ticket.tracker}:${ticket.id}`, ref: ticket.ref };
  const said = { key, author: marking.by, body, signal: null, at: marking.at };
  return { type: 'prompted', ticket, conversation: { key: here.key, ref: here.ref }, said };
}

function isAbout({ isCarriedOut, shownAt }: ProposalRow, at: string): boolean {
  return !isCarriedOut && (shownAt === null || Date.parse(at) > Date.parse(shownAt));
}

/**
 * The same of all tickets on which something is proposed, where the tracker keeps a history: no delivery told of it, or there are
 * none. `read`: undefined where it cannot be known now.
 */
export async function findSaidByMarkings(
  db: Database,
  tracker: Tracker,
  marks: ApprovalMarks,
  read: (hint: TicketHint, since: string) => Promise<MarkingBy[] | undefined>,
): Promise<Prompted[]> {
  if (!tracker.readMarkings || !hasMarks(marks)) return [];
  const found: Prompted[] = [];
  for (const { id, hint } of await listAtWork(db, tracker.kind)) {
    const { shownAt = null, isCarriedOut = true } = (await newestProposal(db, id)) ?? {};
    if (shownAt === null || isCarriedOut) continue;
    for (const marking of (await read(hint, shownAt)) ?? []) {
      const said = await saidByMarking(db, hint, marking, marks);
      if (said) found.push(said);
    }
  }
  return found;
}
