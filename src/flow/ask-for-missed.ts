import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import { listArrived } from '../store/deliveries.ts';

/** Deliveries that a code host could not make, and makes only once by itself, are asked for: most come while nothing of it is lost yet. */
export async function askForMissed(
  { db, codeHosts, log }: { db: Database; codeHosts: ReadonlyMap<string, CodeHost>; log: Log },
  signal: AbortSignal,
): Promise<void> {
  for (const [source, { webhooks }] of codeHosts) {
    if (!webhooks?.redeliver) continue;
    const { asked, givenUp } = await webhooks.redeliver((ids) => listArrived(db, source, ids), signal);
    if (asked.length > 0) log.info({ source, deliveries: asked }, 'webhooks that did not arrive are asked for again');
    if (givenUp.length > 0)
      log.warn(
        { source, deliveries: givenUp },
        `webhooks did not arrive however often they were sent; \`shipmate connect ${source} --check\` says why`,
      );
  }
}
