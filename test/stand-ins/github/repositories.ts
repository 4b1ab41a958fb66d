import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { branchCommit, git } from './git.ts';
import type { GitHub } from './github.ts';
import { fullName, type Level, type Repository } from './rows.ts';

export interface NewRepository {
  isPrivate?: boolean;
  isArchived?: boolean;
  hasIssues?: boolean;
  parent?: Repository;
  defaultBranch?: string;
  /** No commit, no branch. */
  isEmpty?: boolean;
  /** What its first commit has, by path. */
  files?: Record<string, string>;
  /** By login. */
  people?: Record<string, Level>;
}

export async function makeRepository(github: GitHub, name: string, wanted: NewRepository): Promise<Repository> {
  const [login = '', own = ''] = name.split('/');
  const id = github.nextId();
  const repository: Repository = {
    id,
    owner: github.addUser(login, 'Organization'),
    name: own,
    formerNames: [],
    isPrivate: wanted.isPrivate ?? true,
    isArchived: wanted.isArchived ?? false,
    hasIssues: wanted.hasIssues ?? true,
    parent: wanted.parent ?? null,
    defaultBranch: wanted.defaultBranch ?? 'main',
    dir: join(github.dir, 'repositories', `${id}.git`),
    levels: new Map(Object.entries(wanted.people ?? {})),
    teams: new Map(),
    issues: new Map(),
    labels: new Map(),
    protections: new Map(),
    rulesets: [],
    createdAt: github.clock.stamp(),
  };
  for (const person of repository.levels.keys()) github.addUser(person);
  const { dir, defaultBranch } = repository;
  if (wanted.parent) await git(dir, ['clone', '--quiet', '--bare', wanted.parent.dir, dir]);
  else {
    await git(dir, ['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`]);
    if (!wanted.isEmpty) {
      const files = wanted.files ?? { 'README.md': `# ${own}\n` };
      await setBranch(dir, defaultBranch, await makeCommit(dir, null, files, 'First'));
    }
  }
  github.repositories.push(repository);
  return repository;
}

/** The old name leads to the new one. */
export function renameRepository(repository: Repository, name: string): void {
  repository.formerNames.push(fullName(repository).toLowerCase());
  repository.name = name;
}

/** A commit that changes these files of its parent (null: takes one away); no branch moves. */
export async function makeCommit(
  dir: string,
  parent: string | null,
  files: Record<string, string | null>,
  message: string,
): Promise<string> {
  const scratch = await mkdtemp(join(dir, 'index-'));
  const env = { GIT_INDEX_FILE: join(scratch, 'index') };
  try {
    if (parent !== null) await git(dir, ['read-tree', parent], { env });
    const lines: string[] = [];
    for (const [path, text] of Object.entries(files)) {
      if (text === null) lines.push(`0 ${'0'.repeat(40)}\t${path}`);
      else lines.push(`100644 ${await git(dir, ['hash-object', '-w', '--stdin'], { stdin: text })}\t${path}`);
    }
    await git(dir, ['update-index', '--index-info'], { env, stdin: `${lines.join('\n')}\n` });
    const tree = await git(dir, ['write-tree'], { env });
    return await git(dir, ['commit-tree', '-m', message, ...(parent === null ? [] : ['-p', parent]), tree]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As git itself has it: nobody is told. */
export async function setBranch(dir: string, branch: string, commit: string | null): Promise<void> {
  if (commit !== null) await git(dir, ['update-ref', `refs/heads/${branch}`, commit]);
  else await git(dir, ['update-ref', '-d', `refs/heads/${branch}`]);
}

export async function branchesOf(dir: string): Promise<Map<string, string>> {
  const listed = await git(dir, ['for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads']);
  const lines = listed.split('\n').filter(Boolean);
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}

export { branchCommit };
