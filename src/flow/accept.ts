import type { AlertSource } from '../alerts/alert-source.ts';
import type { Delivery } from '../core/delivery.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { Queues, SqlExecutor } from '../jobs/queues.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import { noteAlert } from '../store/alerts.ts';
import type { Queryable } from '../store/database.ts';
import { addDelivery } from '../store/deliveries.ts';
import { hastenRound } from '../store/schedules.ts';
import type { Tracker } from '../trackers/tracker.ts';

/** What can tell an authentic delivery; a tracker, a code host or a source of alerts. */
export interface DeliverySource {
  verifyDelivery: Tracker['verifyDelivery'];
  /** Of a source of alerts. */
  alerts?: Pick<AlertSource, 'kind' | 'rules' | 'readAlerts'>;
}

export interface AcceptDeps {
  sources: ReadonlyMap<string, DeliverySource>;
  nudge: Queues['nudge'];
  failpoint: Failpoint;
}

/**
 * Intake: verifies a webhook request on its raw bytes, stores it, and sends its nudge, all in the caller's transaction.
 * Answer 2xx only after that commits. One that is late is stored for the next reconcile, which is due
 * then; it is due after one that is about many tickets, too. One that is only a hint is stored for whoever reads it again (`readHints`).
 * Of an alert only the error is kept that it is about (`fileAlerts`). A delivery that came before changes nothing and answers `false`. Throws `VendorError`
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
  if (known.alerts) return acceptAlert(deps, tx, known.alerts, known.verifyDelivery(headers, body), { headers, body });
  const { deliveryId, isLate = false, isBroad = false, ...kind } = known.verifyDelivery(headers, body);
  // By what it was let in others could be; nobody asks for that again.
  const { authorization: _, cookie: __, ...kept } = headers;
  const isNew = await addDelivery(tx, { source, deliveryId, headers: kept, body }, { isLate, ...kind });
  deps.failpoint('accept/mid');
  if (isNew && (isLate || isBroad)) await hastenRound(tx, 'reconcile');
  if (isNew && !isLate) await deps.nudge(kind.isHint ? 'hint' : 'sort', executorOf(tx));
  return isNew;
}

/** Its text is strangers', may have a megabyte, and is read again where it comes from: none of it is stored. */
async function acceptAlert(
  { failpoint }: AcceptDeps,
  tx: Queryable,
  { kind: source, rules, readAlerts }: NonNullable<DeliverySource['alerts']>,
  { deliveryId }: { deliveryId: string },
  { headers, body }: Pick<Delivery, 'headers' | 'body'>,
): Promise<boolean> {
  const alerts = readAlerts({ source, deliveryId, headers, body });
  const ours = alerts.filter(({ project }) => rules.some((rule) => rule.project === project));
  const told = ours.map(({ type, project, error }) => `${type}: ${project} ${error}`).join(', ');
  const others = alerts.map(({ project }) => project).join(', ');
  const outcome = told || (others === '' ? 'nothing for us' : `its project is not configured: ${others.slice(0, 200)}`);
  const isNew = await addDelivery(tx, { source, deliveryId, headers: {}, body: new Uint8Array() }, { outcome });
  failpoint('accept/mid');
  if (isNew) for (const alert of ours) await noteAlert(tx, source, alert);
  return isNew;
}

function executorOf(tx: Queryable): SqlExecutor {
  return { executeSql: (text, values) => tx.query(text, values) };
}
