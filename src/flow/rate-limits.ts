import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Repository } from '../core/repository.ts';
import type { TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { Log } from '../lib/log.ts';
import { type ClosedBy, closeAccount, closureOf, waitsIn } from '../store/accounts.ts';
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

/** Nothing goes to the account for now, whatever it is: it asked us to wait, or nobody has connected it again yet. */
export function isClosed(error: unknown): error is VendorError {
  return error instanceof VendorError && closing.has(error.code as ClosedBy);
}

const closing = new Set<ClosedBy>(['rate_limited', 'disconnected']);

/** Notes what a vendor asked for; it is logged once, by whoever was told first. */
export async function closeFor({ db, log }: RateLimitDeps, account: string, refused: VendorError): Promise<void> {
  const waitMs = refused.retryAfterMs ?? unknownWaitMs;
  const by = refused.code as ClosedBy;
  if (!(await closeAccount(db, account, { ms: waitMs, by, why: refused.message }))) return;
  const fields = { account, wait_ms: waitMs, err: refused };
  if (by === 'disconnected') log.error(fields, 'a vendor lets us in no more; what is to be sent to it waits');
  else log.warn(fields, 'a vendor asked us to wait; nothing is sent to it until then');
}

/** Reads, and what is filed without a session, keep to the account's limit here. What else writes is an effect: the poster looks just before it sends. */
export function limitTracker(deps: RateLimitDeps, tracker: Tracker): Tracker {
  const account = trackerAccount(tracker.kind);
  const within = limitOf(deps, account);
  const on = (hint: TicketHint) => limitOf(deps, account, hint.account);
  const { readAgain, readMarkings } = tracker;
  return {
    ...tracker,
    ...(readAgain && {
      readAgain(delivery, signal) {
        const [about] = tracker.readEvents(delivery);
        return limitOf(deps, account, about?.ticket.account)(() => readAgain(delivery, signal));
      },
    }),
    ...(readMarkings && {
      readMarkings: (hint, since, signal) => on(hint)(() => readMarkings(hint, since, signal)),
    }),
    readTicket: (hint, signal, options) => on(hint)(() => tracker.readTicket(hint, signal, options)),
    async listTickets(query, cursor, signal) {
      const closed = (await waitsIn(deps.db, account)).map(({ part, ms }) =>
        toldToWait(`${account}/${part}`, part, ms),
      );
      const page = await within(() => tracker.listTickets(query, cursor, signal, closed));
      for (const refused of page.passedOver ?? [])
        if (isClosed(refused)) await closeFor(deps, partOf(account, refused.account), refused);
      return page;
    },
    /** Vendors count searches apart: too many of them close nothing but the search. */
    async searchTickets(words, limit, signal) {
      const searches = `${account}/search`;
      for (const each of [account, searches]) await refuseWhileClosed(deps.db, each);
      try {
        return await tracker.searchTickets(words, limit, signal);
      } catch (error) {
        if (isClosed(error)) await closeFor(deps, searches, error);
        throw error;
      }
    },
    listTeams: (signal) => within(() => tracker.listTeams(signal)),
    isAsked: (hint, signal) => on(hint)(() => tracker.isAsked(hint, signal)),
    suggestRepositories: (hint, candidates, signal) =>
      on(hint)(() => tracker.suggestRepositories(hint, candidates, signal)),
    createTicket: (filing, signal) => within(() => tracker.createTicket(filing, signal)),
  };
}

/** Whether nothing can be said on a ticket now. */
export async function isTrackerClosed(db: Database, { tracker, account }: TicketHint): Promise<boolean> {
  return (await closureOf(db, partOf(trackerAccount(tracker), account))) !== null;
}

/** For what writes to a ticket without being an effect, beside `createTicket`. */
export function limitWrites(deps: RateLimitDeps, hint: TicketHint): <T>(work: () => Promise<T>) => Promise<T> {
  return limitOf(deps, trackerAccount(hint.tracker), hint.account);
}

/** Where what is done in each repository counts, by the repository's name. */
export function accountsOf(repositories: Iterable<Repository>): Record<string, string> {
  const all = [...repositories];
  return Object.fromEntries(all.map((each) => [each.name, partOf(codeHostAccount(each.codeHost), each.account)]));
}

export function limitCodeHost(deps: RateLimitDeps, host: CodeHost): CodeHost {
  const on = ({ account }: Repository) => limitOf(deps, codeHostAccount(host.kind), account);
  const { following } = host;
  return {
    ...host,
    locate: (repository, signal) => on(repository)(() => host.locate(repository, signal)),
    readPullRequest: (repository, number, signal) =>
      on(repository)(() => host.readPullRequest(repository, number, signal)),
    following: following && {
      ...following,
      read: (repository, number, signal) => on(repository)(() => following.read(repository, number, signal)),
      readLog: (repository, run, signal) => on(repository)(() => following.readLog(repository, run, signal)),
    },
  };
}

const partOf = (whole: string, part: string | undefined) => (part === undefined ? whole : `${whole}/${part}`);

/**
 * Of a ticket, `part` is its workspace; of a repository, its account; where there are several. What is about neither keeps to the limit of the
 * whole, and closes the part that refused it.
 */
function limitOf(deps: RateLimitDeps, whole: string, part?: string): <T>(work: () => Promise<T>) => Promise<T> {
  const account = partOf(whole, part);
  return async (work) => {
    await refuseWhileClosed(deps.db, account);
    try {
      return await work();
    } catch (error) {
      if (isClosed(error)) await closeFor(deps, partOf(whole, part ?? error.account), error);
      throw error;
    }
  };
}

async function refuseWhileClosed(db: Database, account: string): Promise<void> {
  const closure = await closureOf(db, account);
  if (!closure) return;
  if (closure.by === 'rate_limited') throw toldToWait(account, undefined, closure.ms);
  const why = closure.why ?? `${account} lets us in no more.`;
  const told = { code: closure.by, retryable: true, retryAfterMs: closure.ms };
  throw new VendorError(`${why} It is tried again in ${secondsOf(closure.ms)} s.`, told);
}

function toldToWait(name: string, account: string | undefined, ms: number): VendorError {
  const told = { code: 'rate_limited', retryable: true, retryAfterMs: ms, ...(account !== undefined && { account }) };
  return new VendorError(`${name} has asked us to wait for another ${secondsOf(ms)} s.`, told);
}

const secondsOf = (ms: number) => Math.ceil(ms / 1000);
