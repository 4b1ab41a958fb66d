import type { Activity } from '../../core/activity.ts';
import { type TicketOperation, withLink } from '../../core/effect.ts';
import type { TicketHint } from '../../core/ticket.ts';
import type { Sent } from '../tracker.ts';
import { isOwnComment, isPassing, pointer, show } from './activity-text.ts';
import { type OwnComments, type StatusStore, saveStatus, type WrittenComment } from './own-comments.ts';
import { addPull, addSaid, keepResult, newStatus, type Result, resultOf, type Status, showPlan } from './status.ts';

type OfKind<Kind extends TicketOperation['kind']> = TicketOperation & { kind: Kind };

/** One ticket while a row of operations on it is carried out: what each tracker does in its own way. */
export interface OneTicket {
  /** As they were just found. */
  own: OwnComments;
  store: StatusStore;
  /** A comment of its own, in several pieces where it must be; those that are among `own` are not written again. */
  post(own: OwnComments, operationId: string, activity: Activity): Promise<WrittenComment>;
  act(
    operation: OfKind<'moveTicket' | 'takeTicket' | 'releaseTicket' | 'attachPullRequest' | 'attachFile'>,
  ): Promise<Act>;
  /** `isKept`: the status comment is to know of it, for the tracker does not say that the two are related. */
  file(operation: OfKind<'createTicket'>): Promise<{ hint: TicketHint; isKept?: boolean }>;
  /** What an operation came to that is known, and of which the status comment need not know; null: nothing is. */
  resultOf?(operationId: string): Result | null;
}

/** What something came to that is done to the ticket itself. */
export interface Act {
  result: Result;
  /** What the status comment says of it. */
  said?: string;
  /** It is worth no status comment, and no edit of one. */
  isQuiet?: boolean;
}

interface Row {
  ticket: OneTicket;
  own: OwnComments;
  /** The status comment as it is to be; null: there is none, and none is needed yet. */
  status: Status | null;
  isDirty: boolean;
  /** It was made just now; where the last word stands is no reason to edit it again. */
  isFresh: boolean;
  /** What passed before there was a status comment: sent again, it is shown no more. */
  passed: string[];
}

/**
 * Questions, answers and errors are comments, of which people are told; all else is in one status comment, which is edited once
 * for all of a row, and of which they are told when it is made. What is done is found again by marks: of a comment its own, of
 * what a comment does not show the list in the status comment. That list is all there is against doing it twice: two
 * processes that carry out the very same operation in the same second, which the poster's lease prevents, would both do it.
 *
 * `open` looks for what we have written there; null: nothing of the row is worth a request. `forget`: nobody knows any more
 * what is there.
 */
export async function sendRow(
  operations: readonly TicketOperation[],
  { open, forget }: { open: () => Promise<OneTicket | null>; forget: () => void },
  signal: AbortSignal,
): Promise<Sent[]> {
  const sent: Sent[] = [];
  let row: Row | null = null;
  /** From which answer on nothing counts before the status comment is written. */
  let unwritten: number | null = null;
  const flush = async () => {
    if (row?.isDirty && row.status) row.own = await saveStatus(row.own, row.status, row.ticket.store);
    if (row) row.isDirty = false;
    unwritten = null;
  };
  try {
    const ticket = await open();
    if (!ticket) return operations.map(({ id }) => ({ result: { id } }));
    const { own } = ticket;
    const status = own.status ? structuredClone(own.status.known) : null;
    const now: Row = { ticket, own, status, isDirty: false, isFresh: false, passed: [] };
    row = now;
    for (const operation of operations) {
      if (now.isDirty && now.status && !now.own.status && speaks(operation)) {
        now.status.now = pointer(operation.activity, null);
        await flush(); // the status comment comes first
        now.isFresh = true;
      }
      const result = await carryOut(now, operation);
      if (now.isDirty) unwritten ??= sent.length;
      sent.push({ result });
    }
    await flush();
    return sent;
  } catch (error) {
    try {
      signal.throwIfAborted();
      let refused = error;
      if (sent.length < operations.length)
        await flush().catch((unsaved: unknown) => {
          signal.throwIfAborted();
          refused = unsaved;
        });
      // Without the status comment those that are only there were not carried out.
      return [...sent.slice(0, unwritten ?? sent.length), { error: refused }];
    } finally {
      forget();
    }
  }
}

function speaks(operation: TicketOperation): operation is OfKind<'postActivity'> {
  return operation.kind === 'postActivity' && isOwnComment(operation.activity);
}

async function carryOut(row: Row, operation: TicketOperation): Promise<Result> {
  const { ticket, status } = row;
  const { id } = operation;
  if (operation.kind === 'createTicket') return file(row, operation);
  const before = (status && resultOf(status, id)) ?? ticket.resultOf?.(id);
  if (before) return before;
  switch (operation.kind) {
    case 'postActivity': {
      const activity = withLink(operation);
      if (isOwnComment(activity)) return speak(row, operation, activity);
      if (isPassing(activity) && !status) {
        row.passed.push(id);
        return { id };
      }
      return change(row, id, { id }, (known) => {
        show(known, activity);
        keepSpent(known, operation);
      });
    }
    case 'updatePlan':
      return change(row, id, { id }, (known) => {
        showPlan(known, operation.plan);
        keepSpent(known, operation);
      });
    case 'linkSession':
      return change(row, id, { url: operation.url }, (known) => {
        known.page = operation.url;
      });
    case 'leaveConversation':
      return { skipped: 'Of an issue all is said in one place.' };
    case 'attachPullRequest': {
      const { url, number, title, state } = operation;
      if (typeof url !== 'string' || typeof number !== 'number')
        throw new Error(`the pull request of operation ${id} was not resolved`);
      const act = await ticket.act(operation);
      return note(row, id, act, (known) => addPull(known, { url, number, title, ...(state && { state }) }));
    }
    case 'moveTicket':
    case 'takeTicket':
    case 'releaseTicket':
    case 'attachFile':
      return note(row, id, await ticket.act(operation));
  }
  const never: never = operation;
  throw new Error(`an operation of a kind that nobody handles: ${JSON.stringify(never)}`);
}

async function speak(row: Row, operation: OfKind<'postActivity'>, activity: Activity): Promise<Result> {
  const { id, at, url } = await row.ticket.post(row.own, operation.id, activity);
  const { status, own, isFresh } = row;
  const now = pointer(activity, url);
  // It is written for nobody else's sake; and one that is there may have been posted by somebody who came no further.
  if (status && status.now !== now) {
    status.now = now;
    keepSpent(status, operation);
    row.isDirty ||= own.status !== null && !isFresh;
  }
  return { id, at };
}

function keepSpent(known: Status, { spent }: { spent?: string }): void {
  if (spent !== undefined) known.spent = spent;
}

async function file(row: Row, operation: OfKind<'createTicket'>): Promise<Result> {
  const { hint, isKept } = await row.ticket.file(operation);
  if (isKept && !row.status?.related.includes(hint.id)) change(row, null, {}, (known) => known.related.push(hint.id));
  return { hint };
}

/** Notes that something is done. On a ticket where nothing is shown yet, what was not done shows nothing either, but why, once. */
function note(row: Row, id: string, { result, said, isQuiet }: Act, apply?: (known: Status) => void): Result {
  const isSkipped = 'skipped' in result;
  if (isQuiet || (isSkipped && said === undefined && !row.status)) {
    if (row.status) keepResult(row.status, id, result);
    return result;
  }
  return change(row, id, result, (known) => {
    const isKnown = isSkipped && known.said.some(({ text }) => text === said);
    if (said !== undefined && !isKnown) addSaid(known, new Date().toISOString(), said);
    apply?.(known);
  });
}

/** Notes that an operation is done, with what it shows in the status comment. `id`: null, the comment need not know it. */
function change(row: Row, id: string | null, result: Result, apply: (known: Status) => unknown): Result {
  row.status ??= newStatus();
  for (const passed of row.passed.splice(0)) keepResult(row.status, passed, { id: passed });
  apply(row.status);
  if (id !== null) keepResult(row.status, id, result);
  row.isDirty = true;
  return result;
}
