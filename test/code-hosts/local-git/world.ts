import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalGit } from '../../../src/code-hosts/local-git/local-git.ts';
import type { Repository } from '../../../src/core/repository.ts';
import { runProcess } from '../../../src/lib/process.ts';
import type { CodeHostWorld } from '../../contracts/code-host.ts';
import { createTestDatabase } from '../../support/database.ts';

const env = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

/** What a person's git says; throws when it fails. */
export async function git(...args: string[]): Promise<string> {
  const ran = await runProcess(['git', ...args], { env });
  if (ran.exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout.toString('utf8').trimEnd();
}

export const repositoryAt = (location: string): Repository => ({
  name: 'app',
  codeHost: 'local-git',
  location,
  base: null,
});

/** A bare repository at `path` with one commit on `main`; answers that commit. */
export async function makeRepository(path: string): Promise<string> {
  await git('init', '--quiet', '--bare', '--initial-branch=main', path);
  const tree = await git(`--git-dir=${path}`, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  const commit = await git(`--git-dir=${path}`, 'commit-tree', '-m', 'First', tree);
  await git(`--git-dir=${path}`, 'update-ref', 'refs/heads/main', commit);
  return commit;
}

export interface LocalGitWorld extends CodeHostWorld {
  /** A directory for this world's repositories, with a space and a newline in its name. */
  dir: string;
}

export async function openLocalGitWorld(): Promise<LocalGitWorld> {
  const database = await createTestDatabase();
  const home = await mkdtemp(join(tmpdir(), 'shipmate-local-git-'));
  const dir = join(home, 'with a space\nand a: newline');
  const path = join(dir, 'app.git');
  const first = await makeRepository(path);
  const gitDir = join(dir, 'ours.git');
  await git('clone', '--quiet', '--bare', path, gitDir);
  const inTheirs = (...args: string[]) => git(`--git-dir=${path}`, ...args);
  let made = 0;

  const branch = (name: string) => inTheirs('rev-parse', '--verify', '--quiet', `refs/heads/${name}`).catch(() => null);
  const commitOn = async (parents: string[], gitDirectory: string) => {
    const tree = await git(`--git-dir=${gitDirectory}`, 'rev-parse', `${first}^{tree}`);
    const options = parents.flatMap((parent) => ['-p', parent]);
    return git(`--git-dir=${gitDirectory}`, 'commit-tree', '-m', `Commit ${made++}`, ...options, tree);
  };

  return {
    dir,
    host: createLocalGit({ pool: database.pool, dataDir: join(home, 'remotes') }),
    repository: repositoryAt(path),
    missing: repositoryAt(join(dir, 'nowhere.git')),
    defaultBranch: 'main',
    permalinks: null,
    gitDir,
    commit: () => commitOn([first], gitDir),
    outside: {
      branch,
      async pullRequests() {
        const { rows } = await database.pool.query(
          'select number, title, body, head, base from local_git_pull_requests',
        );
        return rows;
      },
    },
    person: {
      async setBranch(name, commit) {
        await (commit === null
          ? inTheirs('update-ref', '-d', `refs/heads/${name}`)
          : inTheirs('update-ref', `refs/heads/${name}`, commit));
      },
      async merge({ base, head }) {
        const merged = await commitOn([(await branch(base)) ?? '', (await branch(head)) ?? ''], path);
        await inTheirs('update-ref', `refs/heads/${base}`, merged);
      },
    },
    async close() {
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
