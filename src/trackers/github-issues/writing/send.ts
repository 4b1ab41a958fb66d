import type { TicketOperation } from '../../../core/effect.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import { type Act, type OneTicket, sendRow } from '../../one-comment/send-row.ts';
import type { Sent } from '../../tracker.ts';
import { isRequest } from '../hint.ts';
import { fileOn } from './file-ticket.ts';
import { moveTicket } from './move-ticket.ts';
import { type Desks, type Located, locate, look } from './place.ts';
import { postComment } from './post-comment.ts';
import { writeStatus } from './status.ts';
import { releaseTicket, takeTicket } from './take-ticket.ts';

export async function sendOperations(
  desks: Desks,
  hint: TicketHint,
  operations: readonly TicketOperation[],
  signal: AbortSignal,
): Promise<Sent[]> {
  signal.throwIfAborted();
  const open = () => openTicket(desks, hint, signal);
  const forget = () => desks.memory.forget(hint.id);
  return desks.memory.inTurn(hint.id, signal, () => sendRow(operations, { open, forget }, signal));
}

async function openTicket(desks: Desks, hint: TicketHint, signal: AbortSignal): Promise<OneTicket> {
  const { api } = desks;
  const place = await locate(desks.repositories, hint, signal);
  // Among people's own talk the status comment shows no more than it must.
  const isBrief = isRequest(hint);
  const lookAtOwn = () => look(desks, place, signal);
  return {
    own: await lookAtOwn(),
    store: {
      looksAgain: true,
      look: lookAtOwn,
      make: async (status) => String((await api.comment(place, writeStatus(status, isBrief), signal)).id),
      edit: (comment, status) => api.editComment(place, Number(comment), writeStatus(status, isBrief), signal),
      remove: (comment) => api.deleteComment(place, Number(comment), signal),
    },
    async post(own, operationId, activity) {
      const [name = null] = isRequest(hint) ? (await desks.own(signal)).names : [];
      return postComment({ desks, place, own, signal }, operationId, activity, name);
    },
    async act(operation) {
      if (!isRequest(hint)) return act(desks, place, operation, signal);
      const skipped = 'It is a pull request: whose it is and where it stands is left to people.';
      return { result: { skipped }, isQuiet: true };
    },
    async file(operation) {
      const filed = await fileOn(desks, place, hint, operation, signal);
      return { ...filed, isKept: operation.relation === 'relatedTo' };
    },
  };
}

async function act(
  desks: Desks,
  place: Located,
  operation: Parameters<OneTicket['act']>[0],
  signal: AbortSignal,
): Promise<Act> {
  switch (operation.kind) {
    case 'attachPullRequest':
      return { result: { url: operation.url } };
    case 'attachFile':
      return { result: { skipped: 'GitHub lets nobody but people attach files.' }, isQuiet: true };
    case 'moveTicket':
      return { result: await moveTicket(desks, place, operation, signal) };
    case 'releaseTicket':
      return { result: await releaseTicket(desks, place, signal) };
    case 'takeTicket':
      return takeTicket(desks, place, signal);
  }
}
