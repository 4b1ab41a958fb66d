import type { Activity } from '../../../core/activity.ts';
import { type TicketOperation, withLink } from '../../../core/effect.ts';
import { inline } from '../../../core/markdown.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { Sent } from '../../tracker.ts';
import { fileOn } from './file-ticket.ts';
import type { Desk } from './memory.ts';
import { moveTicket } from './move-ticket.ts';
import { type Desks, type Located, locate, look } from './place.ts';
import { isOwnComment, pointer, postComment } from './post-comment.ts';
import { addPull, addSaid, keepResult, newStatus, resultOf, type Status, writeStatus } from './status.ts';
import { releaseTicket, takeTicket } from './take-ticket.ts';

/** One ticket while operations on it are carried out. */
interface Writing {
  desks: Desks;
  place: Located;
  desk: Desk;
  signal: AbortSignal;
  /** The status comment as it is to be; null: there is none, and none is needed yet. */
  status: Status | null;
  isDirty: boolean;
}

/**
 * Questions, answers and errors are comments, of which people are told; all else is in one status comment, which is edited once
 * for all of a row, and of which they are told when it is made. What is done is found again by marks: of a comment its own, of
 * what a comment does not show the list in the status comment. That list is all there is against doing it twice: two
 * processes that carry out the very same operation in the same second, which the poster's lease prevents, would both do it.
 */
export async function sendOperations(
  desks: Desks,
  hint: TicketHint,
  operations: readonly TicketOperation[],
  signal: AbortSignal,
): Promise<Sent[]> {
  signal.throwIfAborted();
  return desks.memory.inTurn(hint.id, signal, async () => {
    const sent: Sent[] = [];
    let writing: Writing | null = null;
    /** From which answer on nothing counts before the status comment is written. */
    let open: number | null = null;
    const flush = async () => {
      if (writing?.isDirty) await writeStatusComment(writing);
      open = null;
    };
    try {
      const place = await locate(desks.repositories, hint, signal);
      const desk = await look(desks, place, signal);
      const status = desk.status ? structuredClone(desk.status.known) : null;
      const now: Writing = { desks, place, desk, signal, status, isDirty: false };
      writing = now;
      for (const operation of operations) {
        if (now.isDirty && !now.desk.status && speaks(operation)) await flush(); // the status comment comes first
        const result = await carryOut(now, hint, operation);
        if (now.isDirty) open ??= sent.length;
        sent.push({ result });
      }
      await flush();
      return sent;
    } catch (error) {
      signal.throwIfAborted();
      let refused = error;
      if (sent.length < operations.length)
        await flush().catch((unwritten: unknown) => {
          signal.throwIfAborted();
          refused = unwritten;
        });
      // Without the status comment those that are only there were not carried out.
      const answers = sent.slice(0, open ?? sent.length);
      desks.memory.forget(hint.id); // nobody knows what was carried out
      return [...answers, { error: refused }];
    }
  });
}

function speaks(operation: TicketOperation): boolean {
  return operation.kind === 'postActivity' && isOwnComment(operation.activity);
}

async function carryOut(
  writing: Writing,
  hint: TicketHint,
  operation: TicketOperation,
): Promise<Record<string, unknown>> {
  const { desks, place, desk, signal } = writing;
  const { id } = operation;
  const before = writing.status && resultOf(writing.status, id);
  if (before) return before;
  switch (operation.kind) {
    case 'postActivity': {
      const activity = withLink(operation);
      if (isOwnComment(activity)) {
        const posted = await postComment({ desks, place, desk, signal }, id, activity);
        // It is written for nobody else's sake: where there is no status comment yet, none is made.
        if (posted.isNew && writing.status) writing.status.now = pointer(activity, posted.url);
        writing.isDirty ||= posted.isNew && desk.status !== null;
        return { id: posted.id, at: posted.at };
      }
      // What is passing makes no comment, for people would be told of it.
      if (isPassing(activity) && !writing.status) return { id };
      return change(writing, id, { id }, (status) => show(status, activity));
    }
    case 'updatePlan':
      return change(writing, id, { id }, (status) => {
        status.plan = operation.plan;
      });
    case 'linkSession':
      return change(writing, id, { url: operation.url }, (status) => {
        status.page = operation.url;
      });
    case 'attachPullRequest': {
      const { url, number, title, state } = operation;
      if (typeof url !== 'string' || typeof number !== 'number')
        throw new Error(`the pull request of operation ${id} was not resolved`);
      return change(writing, id, { url }, (status) => addPull(status, { url, number, title, ...(state && { state }) }));
    }
    case 'leaveConversation':
      return { skipped: 'Of an issue all is said in one place.' };
    case 'moveTicket': {
      return note(writing, id, await moveTicket(desks, place, operation, signal));
    }
    case 'takeTicket': {
      const { result, isNew } = await takeTicket(desks, place, signal);
      if (!isNew) return note(writing, id, result);
      return change(writing, id, result, (status) =>
        addSaid(status, new Date().toISOString(), 'I take this ticket: nobody had it.'),
      );
    }
    case 'releaseTicket':
      return note(writing, id, await releaseTicket(desks, place, signal));
    case 'createTicket': {
      const filed = await fileOn(desks, place, hint, operation, signal);
      if (operation.relation === 'relatedTo' && !writing.status?.related.includes(filed.hint.id))
        change(writing, null, {}, (status) => status.related.push(filed.hint.id));
      return { hint: filed.hint };
    }
  }
  const never: never = operation;
  throw new Error(`an operation of a kind that nobody handles: ${JSON.stringify(never)}`);
}

/** Notes that an operation is done. On a ticket where nothing is shown yet, what was not done shows nothing either. */
function note(writing: Writing, id: string, result: Record<string, unknown>): Record<string, unknown> {
  return 'skipped' in result && !writing.status ? result : change(writing, id, result);
}

/** Notes that an operation is done, with what it shows in the status comment. */
function change(
  writing: Writing,
  id: string | null,
  result: Record<string, unknown>,
  apply: (status: Status) => unknown = () => {},
): Record<string, unknown> {
  writing.status ??= newStatus();
  apply(writing.status);
  if (id !== null) keepResult(writing.status, id, result);
  writing.isDirty = true;
  return result;
}

function isPassing(activity: Activity): boolean {
  return 'ephemeral' in activity && activity.ephemeral === true;
}

function show(status: Status, activity: Activity): void {
  if (activity.type === 'action') {
    const { action, parameter, result } = activity;
    const line = `${inline(action, 200)} ${inline(parameter, 300)}`.trim();
    const text = result === undefined ? line : `${line}: ${inline(result, 500)}`;
    if (isPassing(activity)) status.now = text;
    else addSaid(status, new Date().toISOString(), text);
  } else if (isPassing(activity)) status.now = inline(activity.body, 500);
  else addSaid(status, new Date().toISOString(), activity.body);
}

async function writeStatusComment(writing: Writing): Promise<void> {
  const { desks, place, desk, signal, status } = writing;
  if (!status) return;
  const body = writeStatus(status);
  if (desk.status) {
    try {
      await desks.api.editComment(place, desk.status.comment, body, signal);
      desk.status = { comment: desk.status.comment, known: structuredClone(status) };
      writing.isDirty = false;
      return;
    } catch (error) {
      if (!(error instanceof VendorError) || error.code !== 'not_found') throw error;
      desk.status = null; // people have deleted it
    }
  }
  const comment = await desks.api.comment(place, body, signal);
  desk.status = { comment: comment.id, known: structuredClone(status) };
  writing.isDirty = false;
  await keepFirst(writing, comment.id);
}

/** Of two status comments that two processes have made at once the first stays, and knows what both do. */
async function keepFirst(writing: Writing, made: number): Promise<void> {
  const { desks, place, desk, signal, status } = writing;
  await look(desks, place, signal);
  const first = desk.status;
  if (!first || !status || first.comment === made) return;
  const { known } = first;
  for (const [id, result] of status.done) keepResult(known, id, result);
  for (const { at, text } of status.said) addSaid(known, at, text);
  for (const pull of status.pulls) addPull(known, pull);
  if (status.plan.length > 0) known.plan = status.plan;
  known.page ??= status.page;
  known.now = status.now;
  await desks.api.editComment(place, first.comment, writeStatus(known), signal);
  await desks.api.deleteComment(place, made, signal);
}
