import { spawn } from 'node:child_process';
import { once } from 'node:events';

const identity = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

export interface GitOptions {
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
}

/** Git in a bare repository; throws what it said when it fails. */
export async function git(dir: string, args: string[], options: GitOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await tryGit(dir, args, options);
  if (exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout.toString('utf8').replace(/\n$/, '');
}

export async function tryGit(
  dir: string,
  args: string[],
  { stdin = '', env = {} }: GitOptions = {},
): Promise<{ exitCode: number; stdout: Buffer; stderr: string }> {
  const child = spawn('git', [`--git-dir=${dir}`, ...args], {
    env: { PATH: process.env.PATH, ...identity, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const [exitCode] = await once(child, 'close');
  return { exitCode, stdout: Buffer.concat(out), stderr };
}

/** Where a branch, or whatever git takes for a commit, is; null: nowhere. */
export async function commitOf(dir: string, name: string): Promise<string | null> {
  const read = await tryGit(dir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  return read.exitCode === 0 ? read.stdout.toString().trim() : null;
}

export const branchCommit = (dir: string, branch: string): Promise<string | null> =>
  commitOf(dir, `refs/heads/${branch}`);

export async function isAncestor(dir: string, commit: string, of: string): Promise<boolean> {
  return (await tryGit(dir, ['merge-base', '--is-ancestor', commit, of])).exitCode === 0;
}

/** The tree that merging makes; null: they conflict. */
export async function mergedTree(dir: string, base: string, head: string): Promise<string | null> {
  const merged = await tryGit(dir, ['merge-tree', '--write-tree', base, head]);
  return merged.exitCode === 0 ? (merged.stdout.toString().split('\n')[0] ?? null) : null;
}
