import { type AdapterFactories, openAdapters, shippedAdapters, sourcesOf } from './app/adapters.ts';
import type { Admission } from './app/admission.ts';
import { freeTheDead, startChores } from './app/chores.ts';
import { openDesk } from './app/desk.ts';
import { createOperations, type Operations } from './app/operations.ts';
import { createOutage } from './app/outage.ts';
import { noModel, openModel, openSandboxDriver } from './app/parts.ts';
import { createQueueOpener } from './app/queue-opener.ts';
import { openRunDeps } from './app/run-deps.ts';
import { serveTickets } from './app/serve-tickets.ts';
import { takeInDeliveries } from './app/take-in.ts';
import { createTicketDesk, type TicketDesk } from './app/ticket-desk.ts';
import { createUpkeep } from './app/upkeep.ts';
import { openWeb } from './app/web.ts';
import type { CodeHost } from './code-hosts/code-host.ts';
import type { Config } from './config.ts';
import type { Check } from './core/check.ts';
import type { Repository } from './core/repository.ts';
import type { Person } from './core/ticket.ts';
import { VendorError } from './core/vendor-error.ts';
import { type AcceptDeps, checkRepository, postEffects, runPreviews, workRuns } from './flow.ts';
import type { NudgeName } from './jobs/queues.ts';
import { createWorkers, type Drain, type DrainName } from './jobs/workers.ts';
import { armFailpoints } from './lib/failpoint.ts';
import type { Log } from './lib/log.ts';
import { isLivingWorker, workerName } from './lib/worker-name.ts';
import type { Model } from './models/model.ts';
import type { SandboxDriver } from './sandboxes/sandbox.ts';
import { createDatabase, createPool, type Database } from './store/database.ts';
import { createPages } from './store/link-keys.ts';
import { openDatabase } from './store/open-database.ts';
import { readSessions, type Sessions } from './store/session-view.ts';
import type { BoardDesk } from './trackers/board/desk.ts';
import type { Tracker } from './trackers/tracker.ts';
import { createWorkspaces, type Workspaces } from './workspaces/workspaces.ts';

export { type AdapterFactories, shippedAdapters } from './app/adapters.ts';
export * from './app/desks.ts';
export type { HandedFiles, Work } from './app/handover.ts';
export type { AutomationView, OrderView } from './app/own-work.ts';
export { migrateDatabase, modelSpec, probeSandbox, unmountedToolchains } from './app/parts.ts';
export type { PersonalToken } from './app/tokens.ts';
export type { ToolServerView } from './app/tool-servers.ts';
export type { SessionView } from './store/session-view.ts';

export interface App {
  db: Database;
  trackers: ReadonlyMap<string, Tracker>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  /** null: the configuration names no model and no key is set. */
  model: Model | null;
  driver: SandboxDriver;
  workspaces: Workspaces;
  /** What people do on the board. */
  desk: BoardDesk;
  /** What this person can do from an editor or a terminal, on whichever tracker there is. */
  ticketDesk(by: Person): TicketDesk;
  /** Shipmate's work, to look at. */
  sessions: Sessions;
  /** Whether Shipmate can work on a repository, by trying. */
  checkRepository(repository: Repository, signal: AbortSignal): Promise<Check[]>;
  operations: Operations;
  /** Sorts deliveries, posts effects, and answers webhooks and health; resolves with its URL when it listens. */
  startWeb(listening?: boolean): Promise<string | null>;
  /** Works on runs, or only on those that rate a ticket, and posts effects. */
  startWorking(only?: 'scope'): Promise<void>;
  /** Aborted when the embedded database has ended under us: nothing more can be done here. */
  lost: AbortSignal;
  /** Ends all of it in the reverse order of its start. Runs that are under way stay claimable. */
  stop(): Promise<void>;
}

/**
 * The wiring: configuration in, running parts out, nothing started yet but the database. Throws with cause and remedy when
 * the database cannot be had.
 */
export async function createApp(config: Config, log: Log, factories: AdapterFactories = shippedAdapters): Promise<App> {
  const model = openModel(config); // what is named wrongly is told before anything is started
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    void workers.stop(); // runs save their work while requests in flight are answered
    for (const each of stops.splice(0).reverse())
      await each().catch((error: unknown) => log.warn({ err: error }, 'something did not stop cleanly'));
  };
  const database = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir });
  stops.push(database.release);
  const pool = createPool(database.url);
  const outage = createOutage({ ask: () => pool.query('select 1'), onOver: () => workers.wakeAll(), log });
  pool.on('error', (error) => {
    if (!outage.noticed(error)) log.warn({ reason: error.message }, 'a database connection was lost');
  });
  stops.push(() => pool.end());
  const db = createDatabase(pool);
  const worker = workerName();

  const adapters = await openAdapters(config, { pool, db, log }, factories);
  const { trackers, codeHosts, alerts, boardSecret, finishInstall, agents, pollSeconds } = adapters;
  const failpoint = armFailpoints(config.failpoints);
  const repositories = new Map(config.repositories.map((repository) => [repository.name, repository]));
  const driver = await openSandboxDriver(config);
  const workspaces = createWorkspaces({
    dataDir: config.dataDir,
    driver,
    log: (message, fields) => log.debug(fields, message),
  });
  stops.push(() => workspaces.close());
  const { open: openQueues, close: closeQueues } = createQueueOpener({ url: database.url, config, outage, log });
  stops.push(closeQueues);
  stops.push(async () => outage.stop());
  const closing = new AbortController();
  stops.push(async () => closing.abort());
  const workers = createWorkers({
    queues: openQueues,
    isPaused: outage.isOn,
    onError(name, error) {
      if (!outage.noticed(error)) log.error({ err: error, drain: name }, 'this could not be done; it is tried again');
    },
  });
  const { wake } = workers;
  const nudge = async (queue: NudgeName) => {
    wake(queue);
    await (await openQueues()).nudgeNow(queue);
  };
  const accepting: AcceptDeps = {
    sources: sourcesOf(adapters, { db, log }),
    failpoint,
    nudge: async (queue, executor) => (await openQueues()).nudge(queue, executor),
  };
  const inHand = new Set<string>();
  const { policy } = config;
  const [name = config.trackers.board.agent] = agents;
  const pages = createPages(db, config.http.publicUrl);
  const { urlOf: pageOf } = pages;
  const posting = { db, worker, inHand, trackers, codeHosts, repositories, workspaces, pageOf, wake, failpoint, log };
  const sorting = { db, trackers, codeHosts, repositories, nudge, wake, failpoint, log, policy, pageOf, name };
  const upkeep = createUpkeep({ ...sorting, config, pollSeconds, workspaces, stops, queues: openQueues });
  const desk = openDesk({ pool, config, boardSecret, accepting });
  const sessions = readSessions(db, pages);
  const ticketing = { ...sorting, config, alerts, sessions, until: closing.signal };
  const ticketDesk = (by: Person) => createTicketDesk(ticketing, by);
  let admission: Admission | null = null;
  let started = false;

  async function start(name: DrainName, drain: Drain, concurrency: number): Promise<void> {
    if (!started) {
      started = true;
      await freeTheDead({ db, workers, log });
      startChores({ ...ticketing, workers, workspaces });
    }
    await workers.work('post', (signal) => postEffects(posting, signal), 2);
    await workers.work(name, drain, concurrency);
    stops.push(workers.stop);
  }

  return {
    db,
    lost: database.lost,
    trackers,
    codeHosts,
    model,
    driver,
    workspaces,
    sessions,
    desk,
    ticketDesk,
    async checkRepository(repository, signal) {
      const host = codeHosts.get(repository.codeHost);
      if (!host) throw new Error(`there is no code host "${repository.codeHost}"`);
      return checkRepository({ workspaces, host, repository, signal });
    },
    operations: createOperations({ ...ticketing, agents, workspaces, driver, desk }, upkeep.ownWork),
    async startWeb(listening = true) {
      await takeInDeliveries(sorting, start);
      await upkeep.ofService();
      if (!listening) return null;
      return openWeb({
        ...{ config, pool, db, accepting, sessions, finishInstall, wake, log, stops },
        mcp: (person) => serveTickets(ticketDesk(person)),
        admission: () => admission,
        databaseAway: outage.noticed,
      });
    },
    async startWorking(only) {
      if (!model) throw new VendorError(noModel, { code: 'invalid', retryable: false });
      await model.check(); // loads what the first call needs
      const deps = await openRunDeps({
        ...posting,
        ...{ config, name, driver, model, stops, only },
        hasFallen: (name) => !isLivingWorker(name) && !outage.isRecent(),
        databaseAway: outage.noticed,
      });
      admission = deps.admission;
      await start('run', (signal) => workRuns(deps, signal), config.worker.slots);
      if (only === undefined) workers.every(2_000, 'previews', (signal) => runPreviews(deps, signal));
      upkeep.ofMachine();
    },
    stop,
  };
}
