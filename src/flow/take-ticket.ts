import type { TicketHint } from '../core/ticket.ts';
import { orAborted } from '../lib/abort.ts';
import { sendOne } from '../trackers/tracker.ts';
import { trackerOf } from './find-ticket.ts';
import { limitWrites } from './rate-limits.ts';
import type { SortDeps } from './sort.ts';

/** Since when the agent has it, or why it does not. */
export async function takeTicket(
  deps: SortDeps,
  hint: TicketHint,
  id: string,
  signal: AbortSignal,
): Promise<{ at: string } | { skipped: string }> {
  const tracker = trackerOf(deps.trackers, hint.tracker);
  const write = limitWrites(deps, hint);
  const taken = await orAborted(
    write(() => sendOne(tracker, hint, { kind: 'takeTicket', id }, signal)),
    signal,
  );
  if (typeof taken.at === 'string') return { at: taken.at };
  return { skipped: typeof taken.skipped === 'string' ? taken.skipped : 'somebody else has it.' };
}
