import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

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

/** Read from its file, as git lays it out: it is asked all the time. */
export async function branchCommit(dir: string, branch: string): Promise<string | null> {
  if (branch === '' || branch.includes('..')) return null;
  const loose = await readFile(join(dir, 'refs/heads', branch), 'utf8').catch(() => null);
  if (loose !== null) return loose.trim();
  const packed = await readFile(join(dir, 'packed-refs'), 'utf8').catch(() => '');
  return (
    packed
      .split('\n')
      .find((line) => line.endsWith(` refs/heads/${branch}`))
      ?.split(' ')[0] ?? null
  );
}

/** What is asked of commits never changes. */
const answers = new Map<string, Promise<string | null>>();

function answerOf(dir: string, args: string[], read: (ran: Awaited<ReturnType<typeof tryGit>>) => string | null) {
  const key = [dir, ...args].join('\0');
  const known = answers.get(key) ?? tryGit(dir, args).then(read);
  if (answers.size > 2_000) answers.clear();
  answers.set(key, known);
  return known;
}

/** Of commits by their ids, as all that follows. */
export async function isAncestor(dir: string, commit: string, of: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', commit, of];
  return commit === of || (await answerOf(dir, args, ({ exitCode }) => String(exitCode === 0))) === 'true';
}

/** The tree that merging makes; null: they conflict. */
export function mergedTree(dir: string, base: string, head: string): Promise<string | null> {
  const first = ({ exitCode, stdout }: { exitCode: number; stdout: Buffer }) =>
    exitCode === 0 ? (stdout.toString().split('\n')[0] ?? null) : null;
  return answerOf(dir, ['merge-tree', '--write-tree', base, head], first);
}

/** What `git` says of commits, whether or not it fails. */
export async function saysOf(dir: string, ...args: string[]): Promise<string> {
  return (await answerOf(dir, args, ({ stdout }) => stdout.toString('utf8'))) ?? '';
}
