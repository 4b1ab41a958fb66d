import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type App, createApp, type SessionView, shippedAdapters } from '../../src/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/lib/log.ts';
import type { TicketDraft } from '../../src/trackers/board/edit.ts';
import type { TrackerDefinitions } from '../../src/trackers/definition.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { makeRepository } from './repository.ts';

export { demoDir, makeRepository } from './repository.ts';

const run = promisify(execFile);
export const someone = { id: 'ada', name: 'Ada', isBot: false };

export interface TestService {
  app: App;
  dir: string;
  config: Config;
  database: TestDatabase;
  /** The bare repository that tickets are about; of several, the first. */
  repository: string;
  /** Where the service answers; null when it does not listen. */
  url: string | null;
  /** Files a ticket for the agent and waits until its session rests and all that it wrote has left. */
  work(draft: Partial<TicketDraft>): Promise<SessionView>;
  /** Waits for that again, on a ticket that has a session. */
  rest(identifier: string, fromRun?: number): Promise<SessionView>;
  git(...args: string[]): Promise<string>;
  /** The same in the repository of this name. */
  gitIn(name: string, ...args: string[]): Promise<string>;
  /** Waits until all that people did has been taken in. */
  sorted(): Promise<void>;
  /** Lets the replies go on that wait `until` a file of this name is there. */
  letGo(name: string): Promise<void>;
  /** Fails when a process of this service outlives it. */
  stop(): Promise<void>;
}

export interface TestServiceOptions {
  /** YAML of a script, or nothing: then `model` must be named in `change`. */
  script?: string;
  /** Files of the repository's first commit; nothing: the demo's project. An empty map: no commit at all. */
  files?: Record<string, string>;
  /** Several repositories instead of one, by name, each with the files of its first commit. */
  repositories?: Record<string, Record<string, string>>;
  change?(config: Config): Config;
  /** Extra environment for the configuration. */
  env?: Record<string, string>;
  logLevel?: 'silent' | 'debug';
  /** Takes the log's lines; stderr unless given. */
  logTo?: NodeJS.WritableStream;
  /** What the process does; `listen` is a web part that answers on a free port. Default: web and worker. */
  parts?: ('web' | 'listen' | 'worker')[];
  /** In place of those that we ship. */
  trackers?: TrackerDefinitions;
  /** What the service is given in place of the database's own URL. */
  databaseUrl?(url: string): string;
}

const restsQuery = `
  select from sessions s join tickets t on t.id = s.ticket_id
  where t.identifier = $1 and s.state not in ('active', 'pending')
    and (select count(*) from runs r where r.session_id = s.id) >= $2
    and not exists (select from effects e where e.session_id = s.id and e.state = 'pending')`;

/** The whole service in this process: the board, local-git, a scripted model, a real sandbox, a database of its own. */
export async function startTestService(options: TestServiceOptions): Promise<TestService> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-e2e-'));
  const database = await createTestDatabase();
  const named = options.repositories ?? { upstream: options.files };
  const pathOf = (name: string) => join(dir, `${name}.git`);
  for (const [name, files] of Object.entries(named)) await makeRepository(pathOf(name), files);
  const repository = pathOf(Object.keys(named)[0] ?? '');
  if (options.script !== undefined) await writeFile(join(dir, 'script.yaml'), options.script);
  const databaseUrl = options.databaseUrl?.(database.url) ?? database.url;
  const trackers = options.trackers ?? shippedAdapters.trackers;
  const env = { PATH: process.env.PATH, DATABASE_URL: databaseUrl, ...options.env };
  const loaded = loadConfig({ cwd: dir, env, trackers });
  const base: Config = {
    ...loaded,
    dataDir: join(dir, 'data'),
    model: options.script === undefined ? loaded.model : `scripted:${join(dir, 'script.yaml')}`,
    http: { ...loaded.http, port: 0 },
    // Rating is for tests that are about it: no other script calls scope.
    policy: { ...loaded.policy, scope: { ...loaded.policy.scope, before: false } },
    repositories: Object.keys(named).map((name) => ({
      name,
      codeHost: 'local-git',
      location: pathOf(name),
      base: null,
    })),
  };
  const config = options.change?.(base) ?? base;
  const app = await createApp(
    config,
    createLog({
      level: options.logLevel ?? 'silent',
      format: options.logTo ? 'json' : 'pretty',
      secrets: config.secrets,
      ...(options.logTo && { destination: options.logTo }),
    }),
    { ...shippedAdapters, trackers },
  );
  const parts = options.parts ?? ['web', 'worker'];
  if (parts.includes('worker')) await app.startWorking();
  const web = parts.includes('web') || parts.includes('listen');
  const url = web ? await app.startWeb(parts.includes('listen')) : null;

  async function rest(identifier: string, fromRun = 1): Promise<SessionView> {
    for (;;) {
      // One small question, fifty times a second; the view is a dozen. By its name it is not planned each time.
      const { rowCount } = await database.pool.query({
        name: 'rests',
        text: restsQuery,
        values: [identifier, fromRun],
      });
      const view = rowCount === 0 ? null : await app.sessions.view(identifier);
      if (view !== null) return view;
      await delay(20); // the database is the only one to ask
    }
  }
  const gitAt = async (path: string, args: string[]) =>
    (await run('git', ['-C', path, ...args], { maxBuffer: 1e8 })).stdout.trimEnd();
  const service: TestService = {
    app,
    dir,
    config,
    database,
    repository,
    url,
    rest,
    async work(draft) {
      const assignee = config.trackers.board.agent;
      const { identifier } = await app.desk.createTicket({ title: 'A ticket', assignee, ...draft }, someone);
      return rest(identifier);
    },
    git: (...args) => gitAt(repository, args),
    gitIn: (name, ...args) => gitAt(pathOf(name), args),
    async sorted() {
      const unsorted = 'select from deliveries where sorted_at is null';
      while ((await database.pool.query(unsorted)).rowCount !== 0) await delay(20); // the database is the only one to ask
    },
    letGo: (name) => writeFile(join(dir, name), ''),
    async stop() {
      await app.stop();
      const left = await processesNaming(dir);
      await database.drop();
      await rm(dir, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`processes outlived their service:\n${left.join('\n')}`);
    },
  };
  return service;
}

/** Command lines of this machine's processes that hold a text; a sandbox's own processes name what they mount. */
export async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.map((line) => line.replaceAll('\0', ' ').trim()).filter((line) => line.includes(text));
}
