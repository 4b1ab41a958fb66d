import type { Mount, NetworkRule, Sandbox, SandboxDriver, SandboxSpec } from '../sandboxes/sandbox.ts';
import type { Layout } from './layout.ts';
import { WorkspaceError } from './workspace-error.ts';

/** Where the work tree is inside: the same for every workspace where the driver can map paths, so that it can be told early. */
export function dirOf(
  driver: SandboxDriver,
  layout: Pick<Layout, 'path'>,
  whose: { session: string } | { session: null; tree: string },
): string {
  if (!driver.samePaths) return '/workspace';
  return whose.session === null ? layout.path('trees', whose.tree, 'tree') : layout.path('sessions', whose.session);
}

/** What an agent, a test or a set-up command sees: the work tree, a home of its own, upstream's objects to read. */
export function workSpec(options: {
  driver: SandboxDriver;
  layout: Layout;
  tree: string;
  session: string | null;
  mirrorDir: string;
  gitConfig: string;
  searchPath: string;
  network: NetworkRule;
  mounts?: Mount[];
  env?: Record<string, string>;
}): SandboxSpec {
  const { driver, layout, tree, session, mirrorDir, gitConfig, searchPath } = options;
  const [treeDir, homeDir] = [layout.path('trees', tree, 'tree'), layout.path('trees', tree, 'home')];
  const home = driver.samePaths ? homeDir : '/home/shipmate';
  return {
    mounts: [
      driver.samePaths ? { path: treeDir, writable: true } : { path: treeDir, inside: '/workspace', writable: true },
      driver.samePaths ? { path: homeDir, writable: true } : { path: homeDir, inside: home, writable: true },
      { path: `${mirrorDir}/objects`, writable: false },
      { path: gitConfig, writable: false },
      ...(options.mounts ?? []),
    ],
    env: {
      HOME: home,
      // Set-up puts package managers there that the machine does not have.
      PATH: `${home}/.local/bin:${searchPath}`,
      // The lowest of git's configurations: defaults that a repository's own tests can override.
      GIT_CONFIG_SYSTEM: gitConfig,
      ...options.env,
    },
    cwd: dirOf(driver, layout, session === null ? { session, tree } : { session }),
    network: options.network,
  };
}

/** A sandbox by `keeperSpec`. */
export type Keeper = Pick<Sandbox, 'exec'>;

/** What reads and writes the work tree for us: the same files and the keeper's own git directory, which no agent sees. */
export function keeperSpec(options: {
  layout: Layout;
  tree: string;
  mirrorDir: string;
  mounts?: Mount[];
}): SandboxSpec {
  const { layout, tree, mirrorDir, mounts = [] } = options;
  const dir = layout.path('trees', tree);
  return {
    mounts: [{ path: dir, writable: true }, { path: `${mirrorDir}/objects`, writable: false }, ...mounts],
    env: {
      LC_ALL: 'C',
      GIT_DIR: `${dir}/keeper`,
      GIT_WORK_TREE: `${dir}/tree`,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_LITERAL_PATHSPECS: '1',
      GIT_TERMINAL_PROMPT: '0',
      // Always the same, so that a tree has one commit whoever makes it and when.
      GIT_AUTHOR_NAME: 'shipmate',
      GIT_AUTHOR_EMAIL: 'shipmate@localhost',
      GIT_AUTHOR_DATE: '2000-01-01T00:00:00Z',
      GIT_COMMITTER_NAME: 'shipmate',
      GIT_COMMITTER_EMAIL: 'shipmate@localhost',
      GIT_COMMITTER_DATE: '2000-01-01T00:00:00Z',
    },
    cwd: dir,
    network: 'none',
  };
}

/** PATH as the driver sets it. */
export async function readSearchPath(driver: SandboxDriver, layout: Layout): Promise<string> {
  const dir = await layout.give(layout.path('caches'));
  const sandbox = await driver.open({ mounts: [{ path: dir, writable: false }], env: {}, cwd: dir, network: 'none' });
  try {
    const { stdout } = await runScript(sandbox, 'printf %s "$PATH"', { signal: AbortSignal.timeout(30_000) });
    return stdout.toString();
  } finally {
    await sandbox.close();
  }
}

export interface ScriptOptions {
  args?: string[];
  stdin?: Uint8Array | string;
  env?: Record<string, string>;
  signal: AbortSignal;
  maxOutputBytes?: number;
}

/** Runs a script of ours with `sh -e` inside. Throws when it fails, and the signal's reason when that ended it. */
export async function runScript(
  sandbox: Keeper,
  script: string,
  options: ScriptOptions,
): Promise<{ stdout: Buffer; stderr: string }> {
  const { args = [], stdin, env, signal, maxOutputBytes = 64_000_000 } = options;
  signal.throwIfAborted();
  const result = await sandbox.exec(['sh', '-ec', script, 'sh', ...args], {
    signal,
    limits: { timeoutMs: 300_000, maxOutputBytes },
    stdin: stdin ?? '',
    ...(env === undefined ? {} : { env }),
  });
  if (result.killed === 'aborted') signal.throwIfAborted();
  const stderr = Buffer.from(result.stderr).toString('utf8');
  if (result.killed === 'output')
    throw new WorkspaceError(
      'too_large',
      `The changes in the workspace are larger than ${Math.round(maxOutputBytes / 1e6)} MB. Put what is generated into .gitignore.`,
    );
  if (result.exitCode !== 0) {
    const how = result.killed === null ? `exit code ${result.exitCode}` : `killed: ${result.killed}`;
    throw new WorkspaceError(
      'git_failed',
      `Git failed in the workspace (${how}): ${stderr.trim().slice(-2000) || 'it said nothing'}`,
    );
  }
  return { stdout: Buffer.from(result.stdout.buffer, result.stdout.byteOffset, result.stdout.byteLength), stderr };
}
