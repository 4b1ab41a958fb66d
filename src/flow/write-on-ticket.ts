import type { TicketHint } from '../core/ticket.ts';
import { orAborted } from '../lib/abort.ts';
import { sendOne } from '../trackers/tracker.ts';
import { trackerOf } from './find-ticket.ts';
import { limitWrites } from './rate-limits.ts';
import type { SortDeps } from './sort.ts';

/** The service says something on a ticket, whether or not it has a session: once for each id. */
export async function writeOnTicket(
  deps: Pick<SortDeps, 'db' | 'log' | 'trackers'>,
  hint: TicketHint,
  { id, body }: { id: string; body: string },
  signal: AbortSignal,
): Promise<void> {
  const activity = { type: 'thought' as const, body };
  const operation = { kind: 'postActivity' as const, id, conversation: hint.ref, activity };
  const write = limitWrites(deps, hint);
  await orAborted(
    write(() => sendOne(trackerOf(deps.trackers, hint.tracker), hint, operation, signal)),
    signal,
  );
}
