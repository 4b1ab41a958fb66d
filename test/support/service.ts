import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type App, createApp, type SessionView } from '../../src/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/lib/log.ts';
import type { TicketDraft } from '../../src/trackers/board/edit.ts';
import { createTestDatabase } from './database.ts';

const run = promisify(execFile);
export const demoDir = join(import.meta.dirname, '../../src/cli/demo');
export const someone = { id: 'ada', name: 'Ada', isBot: false };

export interface TestService {
  app: App;
  dir: string;
  config: Config;
  /** The bare repository that tickets are about. */
  repository: string;
  /** Files a ticket for the agent and waits until its session rests and all that it wrote has left. */
  work(draft: Partial<TicketDraft>): Promise<SessionView>;
  /** Waits for that again, on a ticket that has a session. */
  rest(identifier: string, fromRun?: number): Promise<SessionView>;
  git(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

export interface TestServiceOptions {
  /** YAML of a script, or nothing: then `model` must be named in `change`. */
  script?: string;
  /** Files of the repository's first commit; nothing: the demo's project. An empty map: no commit at all. */
  files?: Record<string, string>;
  change?(config: Config): Config;
  /** Extra environment for the configuration. */
  env?: Record<string, string>;
  logLevel?: 'silent' | 'debug';
}

/** The whole service in this process: the board, local-git, a scripted model, a real sandbox, a database of its own. */
export async function startTestService(options: TestServiceOptions): Promise<TestService> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-e2e-'));
  const database = await createTestDatabase();
  const repository = join(dir, 'upstream.git');
  await makeRepository(repository, options.files);
  if (options.script !== undefined) await writeFile(join(dir, 'script.yaml'), options.script);
  const loaded = loadConfig({ cwd: dir, env: { PATH: process.env.PATH, DATABASE_URL: database.url, ...options.env } });
  const base: Config = {
    ...loaded,
    dataDir: join(dir, 'data'),
    model: loaded.model ?? `scripted:${join(dir, 'script.yaml')}`,
    repositories: [{ name: 'upstream', codeHost: 'local-git', location: repository, base: null }],
  };
  const config = options.change?.(base) ?? base;
  const app = await createApp(
    config,
    createLog({ level: options.logLevel ?? 'silent', format: 'pretty', secrets: config.secrets }),
  );
  await app.startWorking();
  await app.startWeb(false);

  async function rest(identifier: string, fromRun = 1): Promise<SessionView> {
    for (;;) {
      const view = await app.sessions.view(identifier);
      const rests = view !== null && view.state !== 'active' && view.state !== 'pending' && view.runs.length >= fromRun;
      if (rests && view.unsent.every((effect) => effect.state === 'failed')) return view;
      await new Promise((resolve) => setTimeout(resolve, 20)); // the database is the only one to ask
    }
  }
  const service: TestService = {
    app,
    dir,
    config,
    repository,
    rest,
    async work(draft) {
      const assignee = config.trackers.board.agent;
      const { identifier } = await app.desk.createTicket({ title: 'A ticket', assignee, ...draft }, someone);
      return rest(identifier);
    },
    git: async (...args) => (await run('git', ['-C', repository, ...args], { maxBuffer: 1e8 })).stdout.trimEnd(),
    async stop() {
      await app.stop();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return service;
}

/** A bare repository with one commit on `main`. */
export async function makeRepository(path: string, files?: Record<string, string>): Promise<void> {
  const work = `${path}.work`;
  await mkdir(work, { recursive: true });
  const git = (...args: string[]) =>
    run('git', ['-C', work, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  if (files === undefined) await cp(join(demoDir, 'project'), work, { recursive: true });
  for (const [name, content] of Object.entries(files ?? {})) {
    await mkdir(dirname(join(work, name)), { recursive: true });
    await writeFile(join(work, name), content);
  }
  if (files === undefined || Object.keys(files).length > 0) {
    await git('add', '.');
    await git('commit', '--quiet', '-m', 'First');
  }
  await git('clone', '--quiet', '--bare', '.', path);
  await rm(work, { recursive: true, force: true });
}
