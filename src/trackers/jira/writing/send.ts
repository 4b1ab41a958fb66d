import type { TicketOperation } from '../../../core/effect.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import { isPassing } from '../../one-comment/activity-text.ts';
import type { OwnComments } from '../../one-comment/own-comments.ts';
import { type Act, type OneTicket, sendRow } from '../../one-comment/send-row.ts';
import type { Sent } from '../../tracker.ts';
import { isOwn } from '../people.ts';
import { attachFile } from './attach-file.ts';
import { linkPullRequest } from './attach-pull-request.ts';
import { postComment, storeOf, type Writing } from './comments.ts';
import { fileOn } from './file-ticket.ts';
import { moveTicket } from './move-ticket.ts';
import { type Desks, locate } from './place.ts';
import { readStanding, type Standing } from './standing.ts';
import { releaseTicket, takeTicket } from './take-ticket.ts';

/** How long what the agent shows in passing is gathered: few edits of the status comment, few requests. */
export const gatherMs = 15_000;

export async function sendOperations(
  desks: Desks,
  hint: TicketHint,
  operations: readonly TicketOperation[],
  signal: AbortSignal,
): Promise<Sent[]> {
  signal.throwIfAborted();
  const open = () => openTicket(desks, hint, operations, signal);
  const forget = () => desks.memory.forget(hint.id);
  return desks.memory.inTurn(hint.id, signal, () => sendRow(operations, { open, forget }, signal));
}

async function openTicket(
  desks: Desks,
  hint: TicketHint,
  operations: readonly TicketOperation[],
  signal: AbortSignal,
): Promise<OneTicket | null> {
  const { memory } = desks;
  const { id } = hint;
  // What is passing makes no comment, for people would be told of it, and asks for no look.
  if (!memory.knows(id) && operations.every((each) => each.kind === 'postActivity' && isPassing(each.activity)))
    return null;
  // Where it is about to be read, that is a look, too.
  if (!memory.knows(id)) await desks.news.untilRead(id, signal);
  const place = await locate(desks.sites, hint, signal);
  const writing: Writing = { memory, place, id, signal };
  const store = storeOf(writing);
  const { own, standing } = await begin(writing, operations, store.look);
  return {
    own,
    store,
    post: (now, operationId, activity) => postComment(writing, now, operationId, activity),
    act: createActs(desks, writing, standing),
    file: async (operation) => ({ hint: await fileOn(desks, place, operation, signal) }),
    resultOf: memory.resultOf,
  };
}

/** One look for all: whoever has not written here has nothing to be found again. */
async function begin(
  { memory, place, id, signal }: Writing,
  operations: readonly TicketOperation[],
  look: () => Promise<OwnComments>,
): Promise<{ own: OwnComments; standing: Standing | null }> {
  const known = memory.own(id);
  if (known) return { own: known, standing: null };
  const needsStanding = operations.some(({ kind }) => kind === 'moveTicket' || kind === 'takeTicket');
  if (memory.knows(id) && !needsStanding) return { own: await look(), standing: null };
  const account = await place.site.own(signal);
  const standing = await readStanding(place, signal, { comment: true });
  memory.keepStanding(id, standing);
  const { commenters } = standing;
  const isNew = commenters !== null && !commenters.some((each) => isOwn(each, account));
  return { own: isNew ? memory.see(id, []) : await look(), standing };
}

/** `seen`: how the issue was found just now. */
function createActs(desks: Desks, writing: Writing, seen: Standing | null): OneTicket['act'] {
  const { memory, place, id, signal } = writing;
  const watch = () => desks.news.watch(place.site.host, id);
  const { states } = desks;
  const pace = () => memory.pace(id, signal);
  const moving = { place, states, pace, watch, waysFrom: memory.waysFrom, signal };
  let standing = seen;
  /** For one change; after it the issue stands otherwise. `mayBeOld`: as it was found some seconds ago will do. */
  const standingOf = async ({ mayBeOld = false } = {}) => {
    const before = memory.takeStanding(id);
    const now = standing ?? (mayBeOld ? before : null) ?? (await readStanding(place, signal));
    memory.learn(now);
    standing = null;
    return now;
  };
  return async (operation): Promise<Act> => {
    switch (operation.kind) {
      case 'attachPullRequest':
        await linkPullRequest(writing, operation);
        return { result: { url: operation.url } };
      case 'moveTicket': {
        // Made by an older look it is looked at afterwards; who has the ticket is looked at anew.
        const moved = await moveTicket(moving, operation, await standingOf({ mayBeOld: true }));
        standing = moved.standing;
        if (standing) memory.keepStanding(id, standing);
        memory.keepResult(operation.id, moved.result);
        // The history tells of it; but not of what it was kept from.
        const { result, said } = moved;
        return said === undefined ? { result, isQuiet: true } : { result, said };
      }
      case 'attachFile': {
        const result = await attachFile(writing, operation);
        memory.keepResult(operation.id, result);
        return { result, isQuiet: true };
      }
      case 'takeTicket':
        return takeTicket(moving, await standingOf());
      case 'releaseTicket':
        return { result: await releaseTicket(moving, await standingOf()) };
    }
  };
}
