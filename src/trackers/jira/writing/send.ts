import type { Activity } from '../../../core/activity.ts';
import { type TicketOperation, withLink } from '../../../core/effect.ts';
import { inline } from '../../../core/markdown.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import type { Sent } from '../../tracker.ts';
import { isOwn } from '../people.ts';
import { linkPullRequest } from './attach-pull-request.ts';
import { fileOn } from './file-ticket.ts';
import type { Desk } from './memory.ts';
import { type Moving, moveTicket } from './move-ticket.ts';
import { type Desks, type Located, locate } from './place.ts';
import { isOwnComment, pointer, postComment, type Writing } from './post-comment.ts';
import { readStanding, type Standing } from './standing.ts';
import { addPull, addSaid, keepResult, newStatus, resultOf, type Status } from './status.ts';
import { look, writeStatusComment } from './status-comment.ts';
import { releaseTicket, takeTicket } from './take-ticket.ts';

/** How long what the agent shows in passing is gathered: few edits of the status comment, few requests. */
export const gatherMs = 15_000;

/** One ticket while operations on it are carried out. */
export interface Sending extends Writing {
  desks: Desks;
  hint: TicketHint;
  /** The status comment as it is to be; null: there is none, and none is needed yet. */
  status: Status | null;
  isDirty: boolean;
  /** It was made just now; where the last word stands is no reason to edit it again. */
  isFresh: boolean;
  /** What passed before there was a status comment: sent again, it is shown no more. */
  passed: string[];
  /** How the issue was found, until it is changed. */
  standing: Standing | null;
}

/**
 * Questions, answers and errors are comments, of which people are told; all else is in one status comment, which is edited once
 * for all of a row, and of which they are told when it is made. What is done is found again: comments by a property of theirs,
 * what a comment does not show by the list in the status comment's. That list is all there is against doing it twice: two
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
    let sending: Sending | null = null;
    /** From which answer on nothing counts before the status comment is written. */
    let open: number | null = null;
    const flush = async () => {
      if (sending?.isDirty) await writeStatusComment(sending);
      open = null;
    };
    try {
      // What is passing makes no comment, for people would be told of it, and asks for no look.
      if (operations.every(isPassing) && !desks.memory.knows(hint.id))
        return operations.map(({ id }) => ({ result: { id } }));
      const place = await locate(desks.sites, hint, signal);
      const { desk, standing } = await begin(desks, place, hint.id, operations, signal);
      const status = desk.status ? structuredClone(desk.status.known) : null;
      const now: Sending = {
        ...{ desks, hint, memory: desks.memory, place, id: hint.id, desk, signal },
        ...{ status, isDirty: false, isFresh: false, passed: [], standing },
      };
      sending = now;
      for (const operation of operations) {
        if (now.isDirty && now.status && !desk.status && speaks(operation)) {
          now.status.now = pointer(operation.activity, null);
          await flush(); // the status comment comes first
          now.isFresh = true;
        }
        const result = await carryOut(now, operation);
        if (now.isDirty) open ??= sent.length;
        sent.push({ result });
      }
      await flush();
      if (now.standing && !now.standing.isOld) desks.memory.keepStanding(hint.id, now.standing);
      return sent;
    } catch (error) {
      desks.memory.forget(hint.id); // nobody knows what was carried out
      signal.throwIfAborted();
      let refused = error;
      if (sent.length < operations.length)
        await flush().catch((unwritten: unknown) => {
          signal.throwIfAborted();
          refused = unwritten;
        });
      // Without the status comment those that are only there were not carried out.
      const answers = sent.slice(0, open ?? sent.length);
      return [...answers, { error: refused }];
    }
  });
}

/** One look for all: whoever has not written here has nothing to be found again. */
async function begin(
  desks: Desks,
  place: Located,
  id: string,
  operations: readonly TicketOperation[],
  signal: AbortSignal,
): Promise<{ desk: Desk; standing: Standing | null }> {
  const known = desks.memory.desk(id);
  const read = desks.memory.takeStanding(id);
  // A move that is made by an older look is seen to be; who has the ticket is looked at anew.
  const kept = operations.some(({ kind }) => kind === 'takeTicket' || kind === 'releaseTicket') ? null : read;
  if (known) return { desk: known, standing: kept };
  const needsStanding = operations.some(({ kind }) => kind === 'moveTicket' || kind === 'takeTicket');
  if (desks.memory.knows(id) && !needsStanding)
    return { desk: await look(desks.memory, place, id, signal), standing: null };
  const own = await place.site.own(signal);
  const standing = await readStanding(place, signal, { comment: true });
  const { commenters } = standing;
  const isNew = commenters !== null && !commenters.some((each) => isOwn(each, own));
  return { desk: isNew ? desks.memory.see(id, []) : await look(desks.memory, place, id, signal), standing };
}

function speaks(operation: TicketOperation): operation is TicketOperation & { kind: 'postActivity' } {
  return operation.kind === 'postActivity' && isOwnComment(operation.activity);
}

function isPassing(operation: TicketOperation): boolean {
  return operation.kind === 'postActivity' && isEphemeral(operation.activity);
}

function isEphemeral(activity: Activity): boolean {
  return 'ephemeral' in activity && activity.ephemeral === true;
}

async function carryOut(sending: Sending, operation: TicketOperation): Promise<Record<string, unknown>> {
  const { desks, place, signal } = sending;
  const { id } = operation;
  const before = (sending.status && resultOf(sending.status, id)) ?? desks.memory.resultOf(id);
  if (before && operation.kind !== 'createTicket') return before;
  switch (operation.kind) {
    case 'postActivity': {
      const activity = withLink(operation);
      if (isOwnComment(activity)) return speak(sending, id, activity);
      if (isEphemeral(activity) && !sending.status) {
        sending.passed.push(id);
        return { id };
      }
      return change(sending, id, { id }, (status) => show(status, activity));
    }
    case 'updatePlan':
      return change(sending, id, { id }, (status) => {
        status.plan = operation.plan;
      });
    case 'linkSession':
      return change(sending, id, { url: operation.url }, (status) => {
        status.page = operation.url;
      });
    case 'attachPullRequest': {
      const { url, number, title, state } = operation;
      if (typeof url !== 'string' || typeof number !== 'number')
        throw new Error(`the pull request of operation ${id} was not resolved`);
      await linkPullRequest(sending, operation);
      return change(sending, id, { url }, (status) => addPull(status, { url, number, title, ...(state && { state }) }));
    }
    case 'leaveConversation':
      return { skipped: 'Of an issue all is said in one place.' };
    case 'moveTicket': {
      const { result, standing } = await moveTicket(moving(sending), operation, await standingOf(sending));
      sending.standing = standing;
      // The history tells of it: it is worth no comment, and no edit, of its own.
      desks.memory.keepResult(id, result);
      if (sending.status) keepResult(sending.status, id, result);
      return result;
    }
    case 'takeTicket': {
      const { result, isNew } = await takeTicket(moving(sending), await standingOf(sending));
      if (!isNew) return note(sending, id, result);
      return change(sending, id, result, (status) =>
        addSaid(status, new Date().toISOString(), 'I take this ticket: nobody had it.'),
      );
    }
    case 'releaseTicket':
      return note(sending, id, await releaseTicket(moving(sending), await standingOf(sending)));
    case 'createTicket':
      return { hint: await fileOn(desks, place, operation, signal) };
  }
  const never: never = operation;
  throw new Error(`an operation of a kind that nobody handles: ${JSON.stringify(never)}`);
}

async function speak(sending: Sending, id: string, activity: Activity): Promise<Record<string, unknown>> {
  const posted = await postComment(sending, id, activity);
  const { status, desk, isFresh } = sending;
  const now = pointer(activity, posted.url);
  // It is written for nobody else's sake; and one that is there may have been posted by somebody who came no further.
  if (status && status.now !== now) {
    status.now = now;
    sending.isDirty ||= desk.status !== null && !isFresh;
  }
  return { id: posted.id, at: posted.at };
}

function moving({ desks, place, memory, id, signal }: Sending): Moving {
  return { place, states: desks.states, pace: () => memory.pace(id, signal), signal };
}

/** For one change; after it the issue stands otherwise. */
async function standingOf(sending: Sending): Promise<Standing> {
  const standing = sending.standing ?? (await readStanding(sending.place, sending.signal));
  sending.standing = null;
  return standing;
}

/** Notes that an operation is done. On a ticket where nothing is shown yet, what was not done shows nothing either. */
function note(sending: Sending, id: string, result: Record<string, unknown>): Record<string, unknown> {
  return 'skipped' in result && !sending.status ? result : change(sending, id, result);
}

/** Notes that an operation is done, with what it shows in the status comment. */
function change(
  sending: Sending,
  id: string,
  result: Record<string, unknown>,
  apply: (status: Status) => unknown = () => {},
): Record<string, unknown> {
  sending.status ??= newStatus();
  for (const passed of sending.passed.splice(0)) keepResult(sending.status, passed, { id: passed });
  apply(sending.status);
  keepResult(sending.status, id, result);
  sending.isDirty = true;
  return result;
}

function show(status: Status, activity: Activity): void {
  if (activity.type === 'action') {
    const { action, parameter, result } = activity;
    const line = `${inline(action, 200)} ${inline(parameter, 300)}`.trim();
    const text = result === undefined ? line : `${line}: ${inline(result, 500)}`;
    if (isEphemeral(activity)) status.now = text;
    else addSaid(status, new Date().toISOString(), text);
  } else if (isEphemeral(activity)) status.now = inline(activity.body, 500);
  else addSaid(status, new Date().toISOString(), activity.body);
}
