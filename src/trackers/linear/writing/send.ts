import type { TicketOperation } from '../../../core/effect.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import type { Sent } from '../../tracker.ts';
import { memoryOf } from './memory.ts';
import { type Place, type SendDeps, workspaceOf } from './place.ts';
import { sendTogether } from './send-together.ts';
import { takeIssue } from './take-ticket.ts';

/**
 * Carries operations on one issue out, in their order, in as few documents as that takes. Activities, tickets, labels and
 * relations have ids of ours, so what is sent again changes nothing. Linear has none for a plan and for a move: one that
 * another process sends again, late, is made again, as far as the issue's state still allows the move.
 */
export async function sendOperations(
  deps: SendDeps,
  hint: TicketHint,
  operations: readonly TicketOperation[],
  signal: AbortSignal,
): Promise<Sent[]> {
  signal.throwIfAborted();
  const memory = memoryOf(deps.client);
  return memory.inTurn(hint.id, signal, async () => {
    const sent: Sent[] = [];
    try {
      const workspace = await workspaceOf(deps, hint, signal);
      const place: Place = { ...deps, workspace: workspace.id, appUser: workspace.appUserId, hint, signal };
      while (sent.length < operations.length && !sent.some((answer) => 'error' in answer))
        sent.push(...(await sendNext(place, operations.slice(sent.length))));
    } catch (error) {
      signal.throwIfAborted();
      sent.push({ error });
    }
    return sent;
  });
}

/** Answers of one operation at least, in their order; a fault is thrown, or the last of them. */
async function sendNext(place: Place, operations: readonly TicketOperation[]): Promise<Sent[]> {
  const memory = memoryOf(place.client);
  const [first] = operations;
  if (!first) return [];
  const known = memory.resultOf(first.id);
  if (known) return [{ result: known }];
  const goesAlone = (operation: TicketOperation) =>
    operation.kind === 'takeTicket' || memory.resultOf(operation.id) !== null;
  if (first.kind === 'takeTicket') return [{ result: await take(place, first.id) }];
  const end = operations.findIndex(goesAlone);
  const sent = await sendTogether(place, end < 0 ? operations : operations.slice(0, end));
  for (const [index, answer] of sent.entries()) {
    const operation = operations[index];
    if (operation && 'result' in answer) memory.keepResult(operation.id, answer.result);
  }
  return sent;
}

async function take(place: Place, operationId: string): Promise<Record<string, unknown>> {
  const memory = memoryOf(place.client);
  memory.forget(place.hint.id);
  const taken = await takeIssue({ ...place, issue: place.hint.id }, operationId);
  if ('skipped' in taken) return taken;
  if (taken.session !== null) memory.keepNewest(place.hint.id, taken.session);
  const result = { at: taken.at };
  memory.keepResult(operationId, result);
  return result;
}
