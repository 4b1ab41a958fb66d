import { VendorError } from '../core/vendor-error.ts';
import type { Queues, SqlExecutor } from '../jobs/queues.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import type { Queryable } from '../store/database.ts';
import { addDelivery } from '../store/deliveries.ts';
import { hastenRound } from '../store/schedules.ts';
import type { Tracker } from '../trackers/tracker.ts';

/** What can tell an authentic delivery; a tracker or a code host. */
export interface DeliverySource {
  verifyDelivery: Tracker['verifyDelivery'];
}

export interface AcceptDeps {
  sources: ReadonlyMap<string, DeliverySource>;
  nudge: Queues['nudge'];
  failpoint: Failpoint;
}

/**
 * Intake: verifies a webhook request on its raw bytes, stores it, and sends its nudge, all in the caller's transaction.
 * Answer 2xx only after that commits. One that is late is stored for the next reconcile, which is due
 * then; it is due after one that is about many tickets, too. One that is only a hint is stored for whoever reads it again (`readHints`). A delivery that came before changes nothing and answers `false`. Throws `VendorError`
 * `not_found` (no such source), `unauthorized` or `invalid`, and then nothing was written.
 */
export async function acceptDelivery(
  deps: AcceptDeps,
  tx: Queryable,
  source: string,
  headers: Record<string, string>,
  body: Uint8Array,
): Promise<boolean> {
  const known = deps.sources.get(source);
  if (!known) {
    const names = [...deps.sources.keys()].join(', ');
    throw new VendorError(`There is no webhook source "${source}"; there are: ${names}.`, {
      code: 'not_found',
      retryable: false,
    });
  }
  const { deliveryId, isLate = false, isBroad = false, ...kind } = known.verifyDelivery(headers, body);
  // By what it was let in others could be; nobody asks for that again.
  const { authorization: _, cookie: __, ...kept } = headers;
  const isNew = await addDelivery(tx, { source, deliveryId, headers: kept, body }, { isLate, ...kind });
  deps.failpoint('accept/mid');
  if (isNew && (isLate || isBroad)) await hastenRound(tx, 'reconcile');
  if (isNew && !isLate) await deps.nudge(kind.isHint ? 'hint' : 'sort', executorOf(tx));
  return isNew;
}

function executorOf(tx: Queryable): SqlExecutor {
  return { executeSql: (text, values) => tx.query(text, values) };
}
