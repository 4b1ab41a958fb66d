import type { RateLimitDeps } from '../flow.ts';
import { openAccount } from '../store/accounts.ts';
import {
  addConnectionRequest,
  listConnections,
  readConnection,
  takeConnectionRequest,
  updateConnection,
} from '../store/connections.ts';
import type { Connection, Connections } from '../trackers/connections.ts';

/**
 * A tracker's connections in the database. One that is lost, or back, is logged by whoever found out; when it is back, what
 * waits goes out at once.
 */
export function keepConnections({ db, log }: RateLimitDeps, tracker: string): Connections {
  return {
    list: (kind) => listConnections(db, kind),
    read: (kind, id) => readConnection(db, kind, id),
    async update(kind, id, work) {
      let before: string | null = null;
      const after = await updateConnection(db, kind, id, (current) => {
        before = current?.lost ?? null;
        return work(current);
      });
      const lost: Connection['lost'] = after?.lost ?? null;
      if (lost !== null && before === null)
        log.error({ connection: kind, reason: lost }, 'a connection was lost; `shipmate connect linear` shows the way');
      if (lost === null && before !== null) {
        await openAccount(db, `tracker/${tracker}`);
        log.info({ connection: kind }, 'a connection is back');
      }
      return after;
    },
    addRequest: (kind, id, sealed) => addConnectionRequest(db, { kind, id, sealed }),
    takeRequest: (kind, id, maxAgeMs) => takeConnectionRequest(db, kind, id, maxAgeMs),
  };
}
