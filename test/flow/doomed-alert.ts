import { createSentrySource } from '../../src/alerts/sentry/source.ts';
import { fileAlerts } from '../../src/flow.ts';
import { armFailpoints } from '../../src/lib/failpoint.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDatabase, createPool } from '../../src/store/database.ts';
import { createBoardTracker } from '../../src/trackers/board/tracker.ts';
import { capturing } from '../support/captures.ts';

/** A process that is to file what Sentry told of on the board, and dies at a failpoint: `DATABASE-URL FAILPOINT SETTINGS`. */
const [url = '', failpoint = '', written = ''] = process.argv.slice(2);
const pool = createPool(url);
const board = createBoardTracker({ pool, agent: 'shipmate', secret: 'not much of one' });
const deps = capturing({
  db: createDatabase(pool),
  trackers: new Map([['board', board]]),
  codeHosts: new Map(),
  repositories: new Map(),
  policy: { runsPerHour: 20, people: { speak: [] }, approval: { by: [] } },
  name: 'shipmate',
  pageOf: null,
  nudge: async () => {},
  wake: () => {},
  failpoint: armFailpoints(`${failpoint}:kill`),
  log: createLog({ level: 'silent', format: 'json', secrets: [] }),
});
const alerts = new Map([['sentry', createSentrySource(JSON.parse(written))]]);
await fileAlerts({ ...deps, alerts }, new AbortController().signal);
await pool.end();
