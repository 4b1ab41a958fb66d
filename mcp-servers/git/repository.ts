import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { printable } from '../cut-text.ts';
import { type GitOutput, runGit } from '../run-git.ts';

export interface RepositoryOptions {
  /** Any directory of a working tree, or a bare repository. Looked at when first used, not before. */
  directory: string;
  searchPath: string;
}

/** A repository that is only read. Every method throws an `Error` whose message says what to do about it. */
export interface GitRepository {
  /** Runs one reading git command to its end; paths in `args` are relative to the top. Of more than 4 MB the rest is missing. */
  git(args: string[], signal: AbortSignal): Promise<string>;
  /** The same for what can take for ever: out of time, it answers with what was found so far. */
  search(args: string[], signal: AbortSignal): Promise<{ stdout: string; complete: boolean }>;
  /** The full name of the commit that `ref` means. */
  resolve(ref: string, signal: AbortSignal): Promise<string>;
  /** The name of the branch that work starts from. */
  defaultBranch(signal: AbortSignal): Promise<string>;
  /** `path` relative to the top of the repository, however it was written. */
  path(path: string, signal: AbortSignal): Promise<string>;
  /** Whether older history is missing here. */
  isShallow(signal: AbortSignal): Promise<boolean>;
}

export function openRepository({ directory, searchPath }: RepositoryOptions): GitRepository {
  const start = resolve(directory);
  let found: { top: string; shallow: boolean } | null = null;

  async function locate(signal: AbortSignal) {
    if (found) return found;
    const args = ['rev-parse', '--is-shallow-repository', '--show-cdup'];
    const output = await runGit(args, { directory: start, searchPath, signal });
    if (output.exitCode !== 0) {
      signal.throwIfAborted();
      throw new Error(
        `${complaint(output)}. Start this server with --repository DIR, a directory in a git repository.`,
      );
    }
    const [shallow, up = ''] = output.stdout.split('\n');
    found = { top: join(start, up), shallow: shallow === 'true' };
    return found;
  }

  async function search(args: string[], signal: AbortSignal) {
    const { top } = await locate(signal);
    const output = await runGit(args, { directory: top, searchPath, signal });
    if (output.exitCode !== 0 && output.stopped === null) throw new Error(complaint(output));
    return { stdout: output.stdout, complete: output.stopped === null };
  }

  async function git(args: string[], signal: AbortSignal): Promise<string> {
    const { stdout } = await search(args, signal);
    signal.throwIfAborted();
    return stdout;
  }

  async function exists(ref: string, signal: AbortSignal): Promise<string | null> {
    const { top } = await locate(signal);
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
    const { exitCode, stdout } = await runGit(args, { directory: top, searchPath, signal });
    const id = stdout.trim();
    return exitCode === 0 && /^[0-9a-f]{40,64}$/.test(id) ? id : null; // `^HEAD` is understood, too
  }

  async function branches(signal: AbortSignal): Promise<string[]> {
    const args = ['for-each-ref', '--sort=-committerdate', '--count=15', '--format=%(refname:short)'];
    const output = await git([...args, 'refs/heads', 'refs/remotes'], signal);
    return output.split('\n').filter((name) => name !== '');
  }

  return {
    git,
    search,
    async resolve(ref, signal) {
      const commit = await exists(ref, signal);
      if (commit !== null) return commit;
      const known = await branches(signal);
      if (known.length === 0) throw new Error('This repository has no commit yet, so it has no history to read.');
      throw new Error(`No commit is named ${JSON.stringify(ref)} here. Branches: ${known.join(', ')}.`);
    },
    async defaultBranch(signal) {
      for (const name of ['origin/HEAD', 'origin/main', 'origin/master', 'main', 'master']) {
        if ((await exists(name, signal)) !== null) return name;
      }
      throw new Error('Which branch is the default one is not recorded here; pass base.');
    },
    async path(path, signal) {
      const { top } = await locate(signal);
      const inside = relative(top, isAbsolute(path) ? path : join(top, path));
      if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
        throw new Error(`${JSON.stringify(path)} is outside the repository; paths start at its top.`);
      }
      return inside === '' ? '.' : inside;
    },
    async isShallow(signal) {
      return (await locate(signal)).shallow;
    },
  };
}

/** Whether `path` is a folder in that commit. A file that was deleted since is not. */
export async function isFolder(
  repository: GitRepository,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (path === '.') return true;
  const entry = await repository.git(['ls-tree', '-z', commit, '--', path], signal);
  return entry.split(' ')[1] === 'tree';
}

function complaint({ stderr, exitCode }: GitOutput): string {
  const said = printable(stderr.trim().slice(0, 600)).replace(/^fatal: /, '');
  return said === '' ? `git ended with exit code ${exitCode}` : said;
}
