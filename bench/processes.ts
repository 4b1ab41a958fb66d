import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { freePort } from '../test/support/free-port.ts';
import { until } from './service.ts';

const main = join(import.meta.dirname, '../src/main.ts');

export interface BenchProcesses {
  dir: string;
  databaseUrl: string;
  database: pg.Client;
  /** What `POST /webhooks/...` is below. */
  url: string;
  /** `shipmate web` or `shipmate worker`, its log in the directory. `nodeArgs` come before the program. */
  start(part: 'web' | 'worker', nodeArgs?: string[]): Promise<ChildProcess>;
  /** How many rows a query that begins with `select count(*)` counts. */
  count(from: string): Promise<number>;
  /** Ends all, the last first, and takes everything away. */
  stop(): Promise<void>;
}

/** The service as a team runs it: web and worker are processes of their own, beside a PostgreSQL that syncs every commit. */
export async function startBenchProcesses(options: {
  slots: number;
  /** YAML of a scripted model, unless `env` says where a model is. */
  script?: string;
  secret: string;
  env?: Record<string, string>;
  /** Path of a bare repository, made by the caller in the directory. */
  makeRepository(path: string): Promise<void>;
}): Promise<BenchProcesses> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-bench-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 5 })];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  try {
    await chmod(dir, 0o755); // sandboxed commands run as another user
    await options.makeRepository(join(dir, 'project.git'));
    const embedded = await openEmbeddedPostgres(join(dir, 'postgres'));
    stops.push(embedded.release);
    const database = new pg.Client({ connectionString: embedded.url });
    await database.connect();
    stops.push(() => database.end());
    const port = await freePort();
    if (options.script !== undefined) await writeFile(join(dir, 'script.yaml'), options.script);
    const config = [
      `dataDir: ${join(dir, 'data')}`,
      `http: { port: ${port} }`,
      `worker: { slots: ${options.slots} }`,
      options.script === undefined ? '' : `model: scripted:${join(dir, 'script.yaml')}`,
      'policy: { scope: { before: false } }',
      'budget: { turns: null, day: { tokens: null, usd: null } }',
      `repositories: { project: { path: ${join(dir, 'project.git')} } }`,
      'log: { level: warn, format: json }',
    ];
    await writeFile(join(dir, 'shipmate.yaml'), config.join('\n'));
    const url = `http://127.0.0.1:${port}`;
    let started = 0;
    return {
      dir,
      databaseUrl: embedded.url,
      database,
      url,
      async start(part, nodeArgs = []) {
        started += 1;
        const logFile = join(dir, `${part}-${started}.log`);
        const log = openSync(logFile, 'a');
        const child = spawn(process.execPath, [...nodeArgs, main, part], {
          cwd: dir,
          env: {
            PATH: process.env.PATH,
            DATABASE_URL: embedded.url,
            BOARD_WEBHOOK_SECRET: options.secret,
            ...options.env,
          },
          stdio: ['ignore', log, log, 'ipc'],
        });
        stops.push(() => end(child));
        if (part === 'web')
          await until(async () => {
            if (child.exitCode !== null) throw new Error(await readFile(logFile, 'utf8'));
            return fetch(`${url}/health`).then(
              (response) => response.ok,
              () => false,
            );
          });
        return child;
      },
      async count(from) {
        const { rows } = await database.query(`select count(*)::int as n from ${from}`);
        return rows[0].n;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await closed;
  clearTimeout(timer);
}
