import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Repository } from '../../src/core/repository.ts';
import { createSandboxDriver, type SandboxKind } from '../../src/sandboxes/index.ts';
import type { ExecResult, Sandbox, SandboxDriver } from '../../src/sandboxes/sandbox.ts';
import {
  createWorkspaces,
  type SetupPlan,
  type Workspaces,
  type WorkspacesOptions,
} from '../../src/workspaces/workspaces.ts';

export const noSetup: SetupPlan = { commands: [], key: 'none' };

export interface Upstream {
  repository: Repository;
  location: { url: string; env: Record<string, string> };
  /** Git in a work tree of upstream, as a developer runs it. */
  git(...args: string[]): string;
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  link(path: string, target: string): Promise<void>;
  /** Commits everything, and returns the commit. */
  commit(message: string): string;
}

export interface Fixture {
  dir: string;
  dataDir: string;
  driver: SandboxDriver;
  /** A worker of this machine; another call is another worker on the same data. */
  open(options?: Partial<WorkspacesOptions>): Workspaces;
  upstream(name?: string): Promise<Upstream>;
  path(...parts: string[]): string;
  remove(): Promise<void>;
}

export async function createFixture(kind: SandboxKind = 'bubblewrap'): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-workspaces-'));
  await chmod(dir, 0o755);
  await mkdir(join(dir, 'tmp'), { mode: 0o755 });
  const driver = createSandboxDriver({
    kind,
    options: {
      uid: 65534,
      readOnlyPaths: [],
      limits: { memoryBytes: null, processes: null },
      searchPath: '/usr/local/bin:/usr/bin:/bin',
      tempDir: join(dir, 'tmp'),
    },
  });
  const dataDir = join(dir, 'data');
  const opened: Workspaces[] = [];
  return {
    dir,
    dataDir,
    driver,
    path: (...parts) => join(dataDir, 'workspaces', ...parts),
    open(options = {}) {
      const workspaces = createWorkspaces({ dataDir, driver, pool: { perRepository: 0 }, ...options });
      opened.push(workspaces);
      return workspaces;
    },
    upstream: (name = 'app') => createUpstream(join(dir, 'upstream', name), name),
    async remove() {
      await Promise.all(opened.map((workspaces) => workspaces.close()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function createUpstream(dir: string, name: string): Promise<Upstream> {
  await mkdir(dir, { recursive: true });
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: dirname(dir),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, env, encoding: 'utf8' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  return {
    repository: { name, codeHost: 'local-git', location: dir, base: null },
    location: { url: join(dir, '.git'), env: {} },
    git,
    async write(path, content, mode = 0o644) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), content);
      await chmod(join(dir, path), mode);
    },
    async link(path, target) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await symlink(target, join(dir, path));
    },
    commit(message) {
      git('add', '--all', '--force');
      git('commit', '--quiet', '--allow-empty', '--message', message);
      return git('rev-parse', 'HEAD');
    },
  };
}

/** Runs a shell script inside; throws when it fails. */
export async function inside(where: { sandbox: Sandbox }, script: string, stdin?: string): Promise<string> {
  const result: ExecResult = await where.sandbox.exec(['bash', '-ec', script], {
    signal: AbortSignal.timeout(60_000),
    limits: { timeoutMs: 60_000, maxOutputBytes: 10_000_000 },
    ...(stdin === undefined ? {} : { stdin }),
  });
  const text = Buffer.from(result.stdout).toString('utf8');
  if (result.exitCode !== 0)
    throw new Error(
      `exit code ${result.exitCode} (${result.killed}): ${text}${Buffer.from(result.stderr).toString('utf8')}`,
    );
  return text;
}

export const newSession = (): string => randomUUID();
export const patience = (): AbortSignal => AbortSignal.timeout(60_000);
