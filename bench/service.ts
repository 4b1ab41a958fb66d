import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type App, createApp } from '../src/app.ts';
import { makeDemoRepository } from '../src/cli/demo/repository.ts';
import { loadConfig } from '../src/config.ts';
import { createLog } from '../src/lib/log.ts';
import { openEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { startModelServer } from '../test/stand-ins/model-server/server.ts';

export const someone = { id: 'ada', name: 'Ada', isBot: false };
export const webhookSecret = 'bench';

export interface BenchService {
  app: App;
  /** A connection beside the service's own. */
  database: pg.Client;
  /** What `POST /webhooks/...` is below. */
  url: string;
  /** What the model was asked; times are of `performance.now()`. */
  requests: AskedModel[];
  /** When the first request about a ticket came to the model. */
  firstRequestAt(identifier: string): number | null;
  /** Files tickets for the agent, all at once; each with the moment at which that had committed. */
  assign(count: number, title?: string): Promise<{ identifier: string; committedAt: number }[]>;
  stop(): Promise<void>;
}

export interface AskedModel {
  body: string;
  /** When its first line was read. */
  at: number;
  /** When the reply had left. */
  endedAt: Promise<number>;
}

/**
 * The whole service in this process, as `shipmate start` runs it, with a PostgreSQL of its own that syncs every commit and a
 * model on loopback. It has worked on a ticket, and then on as many at once as are measured, when this resolves: mirror,
 * baseline, a workspace and connections are there, and its code is warm.
 */
export async function startBenchService(options: {
  slots: number;
  script: string;
  /** Of another tracker, beside the board. */
  env?: Record<string, string>;
}): Promise<BenchService> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  try {
    return await start({ ...options, stops, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: {
  slots: number;
  script: string;
  env?: Record<string, string>;
  stops: (() => Promise<unknown>)[];
  stop(): Promise<void>;
}): Promise<BenchService> {
  const { slots, script, env, stops, stop } = options;
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-bench-'));
  stops.push(() => rm(dir, { recursive: true, force: true }));
  await chmod(dir, 0o755); // sandboxed commands run as another user
  const repository = join(dir, 'plain-duration.git');
  await makeDemoRepository(repository);
  const requests: AskedModel[] = [];
  const firstRequests = new Map<string, number>();
  const model = await startModelServer({
    script: `tickets:\n  Warm up:\n${warmUp}${script}`,
    onRequest({ body, at, ended }) {
      requests.push({ body, at, endedAt: ended.then(() => performance.now()) });
      const identifier = /Your ticket is ([A-Z]+-\d+)/.exec(body)?.[1];
      if (identifier && !firstRequests.has(identifier)) firstRequests.set(identifier, at);
    },
  });
  stops.push(model.close);
  const loaded = loadConfig({
    cwd: dir,
    env: {
      PATH: process.env.PATH,
      ANTHROPIC_API_KEY: 'bench',
      ANTHROPIC_BASE_URL: `${model.url}/v1`,
      BOARD_WEBHOOK_SECRET: webhookSecret,
      ...env,
    },
  });
  const embedded = await openEmbeddedPostgres(join(dir, 'postgres'));
  stops.push(embedded.release);
  const database = new pg.Client({ connectionString: embedded.url });
  await database.connect();
  stops.push(() => database.end());
  const app = await createApp(
    {
      ...loaded,
      databaseUrl: embedded.url,
      http: { host: '127.0.0.1', port: 0, publicUrl: env ? 'https://shipmate.example.com' : null },
      worker: { ...loaded.worker, slots },
      policy: { ...loaded.policy, scope: { ...loaded.policy.scope, before: false } },
      budget: { ...loaded.budget, turns: null, day: { tokens: null, usd: null } },
      repositories: [{ name: 'plain-duration', codeHost: 'local-git', location: repository, base: null }],
    },
    createLog({ level: 'error', format: 'pretty', secrets: [] }),
  );
  stops.push(app.stop);
  const file = async (title: string) => {
    const { identifier } = await app.desk.createTicket({ title, assignee: loaded.trackers.board.agent }, someone);
    return { identifier, committedAt: performance.now() };
  };
  await app.startWorking();
  const url = await app.startWeb();
  if (url === null) throw new Error('the service does not listen');
  await rested(app, (await file('Warm up')).identifier);
  const burst = await Promise.all(Array.from({ length: 10 }, () => file('Warm up')));
  for (const { identifier } of burst) await rested(app, identifier);
  return {
    app,
    database,
    url,
    requests,
    firstRequestAt: (identifier) => firstRequests.get(identifier) ?? null,
    assign: (count, title = 'Work') =>
      Promise.all(Array.from({ length: count }, (_, index) => file(`${title} ${index}`))),
    stop,
  };
}

const warmUp = `    - calls: [{ tool: bash, input: { command: "true" } }, { tool: git_last-touched, input: { path: src } }]
    - calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: Nothing is to be done. } }]
`;

/** A session that works has rested, and what it wrote has left. */
export async function rested(app: App, identifier: string, withinMs?: number): Promise<void> {
  await until(
    async () => {
      const view = await app.sessions.view(identifier);
      return view !== null && view.state !== 'active' && view.state !== 'pending' && view.unsent.length === 0;
    },
    20,
    withinMs,
  );
}

/** Asks again and again, so that nothing of the service has to know that it is measured. */
export async function until(holds: () => Promise<boolean> | boolean, everyMs = 20, withinMs = 120_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`what was waited for did not come within ${withinMs / 1000} s`);
    await delay(everyMs);
  }
}
