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
 * A tracker's connections in the database. One that is lost, or back, is logged by whoever found out; when it is there
 * again, what waits goes out at once.
 */
export function keepConnections({ db, log }: RateLimitDeps, tracker: string): Connections {
  return {
    list: (kind) => listConnections(db, kind),
    read: (kind, id) => readConnection(db, kind, id),
    async update(kind, id, work) {
      let before: Connection | null = null;
      const after = await updateConnection(db, kind, id, (current) => {
        before = current;
        return work(current);
      });
      if (isLost(after) && !isLost(before))
        log.error(
          { connection: kind, reason: after?.lost },
          `${tracker} lets us in no more; \`shipmate connect ${tracker}\` shows the way`,
        );
      if (isGood(after) && !isGood(before)) {
        await openAccount(db, `tracker/${tracker}`);
        log.info({ connection: kind }, 'a connection is there');
      }
      return after;
    },
    addRequest: (kind, id, sealed) => addConnectionRequest(db, { kind, id, sealed }),
    takeRequest: (kind, id, maxAgeMs) => takeConnectionRequest(db, kind, id, maxAgeMs),
  };
}

function isLost(connection: Connection | null): boolean {
  return connection !== null && connection.lost !== null;
}

function isGood(connection: Connection | null): boolean {
  return connection !== null && connection.sealed !== null && !isLost(connection);
}
