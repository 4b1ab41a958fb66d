import type { TicketOperation } from '../../../src/core/effect.ts';
import type { TicketHint } from '../../../src/core/ticket.ts';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { readEvents, verifyDelivery } from '../../../src/trackers/board/delivery.ts';
import { stateOf } from '../../../src/trackers/board/states.ts';
import { oneByOne, type Tracker } from '../../../src/trackers/tracker.ts';
import { callWorld } from './call-world.ts';

/** The world's tickets as the agent sees them. The kind is the board's, so that the product needs no word for this one. */
export function createWorldTracker(options: { url: string; agent: string; secret: string }): Tracker {
  const { url, agent, secret } = options;
  return {
    kind: 'board',
    source: 'board',
    verifyDelivery: (headers, body) => verifyDelivery(secret, headers, body),
    readEvents: (delivery) => readEvents(agent, delivery),
    readTicket: (hint, signal) => callWorld(url, 'tracker', 'readTicket', { id: hint.id }, signal),
    readAttachment: async (hint, file, signal) =>
      Buffer.from(await callWorld<string>(url, 'tracker', 'readAttachment', { id: hint.id, file }, signal), 'base64'),
    listTickets: (query, cursor, signal) => callWorld(url, 'tracker', 'listTickets', { query, cursor }, signal),
    searchTickets: (words, limit, signal) => callWorld(url, 'tracker', 'searchTickets', { words, limit }, signal),
    listTeams: async () => [],
    isAsked: async () => false,
    suggestRepositories: async () => [],
    gatherMs: 0,
    send: oneByOne((hint, operation, signal) => send(url, hint, operation, signal)),
    async createTicket({ id, draft }, signal) {
      const operation = { kind: 'createTicket', id, draft, relation: null, blockedBy: [] };
      const answer = await callWorld<{ hint: TicketHint }>(
        url,
        'tracker',
        'createTicket',
        { ticket: null, operation },
        signal,
      );
      return answer.hint;
    },
    async check() {
      const name = 'tracker world';
      try {
        await callWorld(url, 'tracker', 'listTickets', { query: {}, cursor: null }, AbortSignal.timeout(5_000));
        return [{ name, status: 'ok', message: url }];
      } catch (error) {
        return [{ name, status: 'missing', message: (error as Error).message, remedy: 'Start the world.' }];
      }
    },
  };
}

async function send(
  url: string,
  hint: TicketHint,
  operation: TicketOperation,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const done = doneBy(operation);
  try {
    const answer = await callWorld<{ skipped?: string; hint?: TicketHint; at?: string } | null>(
      url,
      'tracker',
      operation.kind,
      { ticket: hint.id, operation },
      signal,
    );
    if (answer?.hint !== undefined) return { hint: answer.hint };
    if (answer?.at !== undefined) return { at: answer.at };
    return answer?.skipped === undefined ? done : { skipped: answer.skipped };
  } catch (error) {
    // It has this id already: an earlier try arrived, whatever became of its answer.
    if (error instanceof VendorError && error.code === 'exists') return done;
    throw error;
  }
}

function doneBy(operation: TicketOperation): Record<string, unknown> {
  if (operation.kind === 'moveTicket') return { state: stateOf(operation.to) };
  if (operation.kind === 'attachPullRequest' || operation.kind === 'linkSession') return { url: operation.url };
  return { id: operation.id };
}
