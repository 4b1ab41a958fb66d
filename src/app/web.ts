import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import type { Person } from '../core/ticket.ts';
import { type AcceptDeps, acceptDelivery } from '../flow.ts';
import { listen } from '../http/listen.ts';
import type { FinishInstall } from '../http/oauth.ts';
import type { Log } from '../lib/log.ts';
import { closedAccounts } from '../store/accounts.ts';
import { type Database, inTransaction } from '../store/database.ts';
import { findToken } from '../store/personal-tokens.ts';
import type { Sessions } from '../store/session-view.ts';
import type { Admission } from './admission.ts';

/** Answers webhooks, health and the pages of sessions; resolves with its URL when it listens. Registers its stop in `stops`. */
export async function openWeb(deps: {
  config: Config;
  pool: Pool;
  db: Database;
  accepting: AcceptDeps;
  sessions: Sessions;
  finishInstall: FinishInstall;
  /** What a person's tools can do here, for one request; null: nothing. */
  mcp: ((person: Person) => McpServer | Promise<McpServer>) | null;
  /** null: this process works on no runs. */
  admission(): Admission | null;
  wake(drain: 'sort'): void;
  databaseAway(error: unknown): boolean;
  log: Log;
  stops: (() => Promise<unknown>)[];
}): Promise<string> {
  const { config, pool, db, accepting, sessions, finishInstall, mcp, log } = deps;
  // Express takes a tenth of a second to load: no command and no worker waits for it.
  const { createHttp } = await import('../http/server.ts');
  const web = createHttp({
    async accept(source, headers, body) {
      await inTransaction(pool, (tx) => acceptDelivery(accepting, tx, source, headers, body));
      accepting.failpoint('accept/after');
      deps.wake('sort');
    },
    async health() {
      const closed = await closedAccounts(pool);
      const admission = deps.admission();
      return {
        ...(admission && { worker: admission.state() }),
        // Not a fault of this process: no load balancer is to take it away for that.
        ...(Object.keys(closed).length > 0 && { closed }),
      };
    },
    finishInstall,
    mcp: mcp && { personOf: (token) => findToken(db, token), serve: mcp, publicUrl: config.http.publicUrl },
    pages: { sessions, limits: config.budget.ticket },
    onError: (error) => deps.databaseAway(error) || log.error({ err: error }, 'a request could not be answered'),
  });
  const { url, close } = await listen(web, config.http);
  deps.stops.push(close);
  return url;
}
