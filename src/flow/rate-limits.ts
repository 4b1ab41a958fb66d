import type { CodeHost } from '../code-hosts/code-host.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { Log } from '../lib/log.ts';
import { closeAccount, closedForMs } from '../store/accounts.ts';
import type { Database } from '../store/database.ts';
import type { Tracker } from '../trackers/tracker.ts';

/** One limiter per account, shared by all processes: whoever is told to wait closes it for everybody. */
export interface RateLimitDeps {
  db: Database;
  log: Log;
}

/** Where a vendor says that we ask too often and not for how long. */
const unknownWaitMs = 60_000;

const trackerAccount = (kind: string) => `tracker/${kind}`;
const codeHostAccount = (kind: string) => `code-host/${kind}`;

export function isRateLimited(error: unknown): error is VendorError {
  return error instanceof VendorError && error.code === 'rate_limited';
}

/** Notes what a vendor asked for; it is logged once, by whoever was told first. */
export async function closeFor({ db, log }: RateLimitDeps, account: string, refused: VendorError): Promise<void> {
  const waitMs = refused.retryAfterMs ?? unknownWaitMs;
  if (await closeAccount(db, account, waitMs))
    log.warn({ account, wait_ms: waitMs, err: refused }, 'a vendor asked us to wait; nothing is sent to it until then');
}

/** Reads, and what is filed without a session, keep to the account's limit here. What else writes is an effect: the poster looks just before it sends. */
export function limitTracker(deps: RateLimitDeps, tracker: Tracker): Tracker {
  const within = limitOf(deps, trackerAccount(tracker.kind));
  return {
    ...tracker,
    readTicket: (hint, signal) => within(() => tracker.readTicket(hint, signal)),
    listTickets: (query, cursor, signal) => within(() => tracker.listTickets(query, cursor, signal)),
    createTicket: (filing, signal) => within(() => tracker.createTicket(filing, signal)),
  };
}

/** For what writes to a tracker without being an effect, beside `createTicket`. */
export function limitWrites(deps: RateLimitDeps, kind: string): <T>(work: () => Promise<T>) => Promise<T> {
  return limitOf(deps, trackerAccount(kind));
}

export function limitCodeHost(deps: RateLimitDeps, host: CodeHost): CodeHost {
  const within = limitOf(deps, codeHostAccount(host.kind));
  return {
    ...host,
    locate: (repository, signal) => within(() => host.locate(repository, signal)),
    readPullRequest: (repository, number, signal) => within(() => host.readPullRequest(repository, number, signal)),
  };
}

function limitOf(deps: RateLimitDeps, account: string): <T>(work: () => Promise<T>) => Promise<T> {
  return async (work) => {
    const waitMs = await closedForMs(deps.db, account);
    if (waitMs > 0)
      throw new VendorError(`${account} has asked us to wait for another ${Math.ceil(waitMs / 1000)} s.`, {
        code: 'rate_limited',
        retryable: true,
        retryAfterMs: waitMs,
      });
    try {
      return await work();
    } catch (error) {
      if (isRateLimited(error)) await closeFor(deps, account, error);
      throw error;
    }
  };
}
