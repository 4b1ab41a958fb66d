import { mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Repository } from '../../core/repository.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { git, heads, invalid, said } from '../host-git.ts';

/** A repository: where it lies, and where git keeps its things (for a bare one the same, for one elsewhere our copy of it). */
export interface Place {
  path: string;
  gitDir: string;
}

/** Finds a repository, as it is now. */
export type Find = (repository: Repository, signal: AbortSignal) => Promise<Place>;

/** Bare or ordinary. A directory inside a repository is not one: git is not let look upwards. */
export async function findRepository(repository: Repository, signal: AbortSignal): Promise<Place> {
  signal.throwIfAborted();
  const { name, location } = repository;
  const path = await realpath(location).catch((error: NodeJS.ErrnoException) => {
    throw notFound(`${location} ${error.code === 'ENOENT' ? 'does not exist' : `cannot be reached (${error.code})`}`);
  });
  for (const candidate of [join(path, '.git'), path]) {
    if (await isGitDir(candidate, signal)) return { path, gitDir: candidate };
  }
  throw notFound(`${path} is not a git repository`);

  function notFound(problem: string): VendorError {
    return new VendorError(
      `Repository "${name}": ${problem}. Correct its \`path\` in shipmate.yaml, or make one there with \`git init --bare\`.`,
      { code: 'not_found', retryable: false },
    );
  }
}

/** Looks for what git looks for, without the cost of a process; only where `.git` is a file git itself must say. */
async function isGitDir(candidate: string, signal: AbortSignal): Promise<boolean> {
  const kind = async (path: string) => (await stat(path).catch(() => null))?.isDirectory();
  const isDirectory = await kind(candidate);
  if (isDirectory === undefined) return false;
  if (!isDirectory) return (await git(candidate, ['rev-parse', '--resolve-git-dir', candidate], signal)).exitCode === 0;
  const [head, objects, refs] = await Promise.all(
    ['HEAD', 'objects', 'refs'].map((name) => kind(join(candidate, name))),
  );
  return head === false && objects === true && refs === true;
}

/** The branch that HEAD names, which need not have a commit yet. */
export async function readDefaultBranch(place: Place, repository: Repository, signal: AbortSignal): Promise<string> {
  const written = await readFile(join(place.gitDir, 'HEAD'), 'utf8').catch(() => '');
  const plain = /^ref: refs\/heads\/(\S+)\n$/.exec(written)?.[1];
  if (plain !== undefined && plain !== '.invalid') return plain; // that one stands for "asked of the reftable"
  const head = await git(place.gitDir, ['symbolic-ref', '--quiet', 'HEAD'], signal);
  const ref = head.stdout.toString('utf8').trimEnd();
  if (head.exitCode === 0 && ref.startsWith(heads)) return ref.slice(heads.length);
  // An ordinary repository in the middle of a rebase, say: what the person configured still holds.
  if (repository.base !== null) return repository.base;
  throw invalid(
    `Repository "${repository.name}": HEAD of ${place.path} is on no branch ${said(head)}. Check one out there, or set \`base\` in shipmate.yaml.`,
  );
}

/** The commit a branch is at; null when there is none. */
export async function readBranch(place: Place, branch: string, signal: AbortSignal): Promise<string | null> {
  const read = await git(place.gitDir, ['rev-parse', '--verify', '--quiet', `${heads}${branch}^{commit}`], signal);
  return read.exitCode === 0 ? read.stdout.toString('utf8').trim() : null;
}

export async function isAncestor(place: Place, commit: string, of: string, signal: AbortSignal): Promise<boolean> {
  // Exit code 1 is no, 128 that the commit is no longer there: then it was not merged either.
  return (await git(place.gitDir, ['merge-base', '--is-ancestor', commit, of], signal)).exitCode === 0;
}

/**
 * Whether a commit holds another's changes, however they came there: merged into it, that one would change something of what
 * both come from, and nothing of what is there now. So a squash or a rebase is seen too. It is tried in a repository of our own:
 * theirs gets no objects of ours, and none of its merge programs run.
 */
export async function hasChangesOf(place: Place, commit: string, by: string, signal: AbortSignal): Promise<boolean> {
  const { gitDir: theirs } = place;
  const objects = await git(theirs, ['rev-parse', '--path-format=absolute', '--git-path', 'objects'], signal);
  const alternates = JSON.stringify(objects.stdout.toString('utf8').replace(/\n$/, ''));
  const gitDir = await mkdtemp(join(tmpdir(), 'shipmate-merge-'));
  const ours = (...args: string[]) => git(gitDir, args, signal, { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates });
  try {
    await ours('init', '--quiet', '--bare', '--template=', `--object-format=${by.length === 64 ? 'sha256' : 'sha1'}`);
    // Whatever git cannot do, because a commit is no longer there, say, is a no.
    const brings = await ours('diff', '--quiet', `${by}...${commit}`);
    if (brings.exitCode !== 1) return false;
    const merged = await ours('merge-tree', '--write-tree', by, commit);
    if (merged.exitCode !== 0) return false;
    const tree = await ours('rev-parse', '--verify', '--quiet', `${by}^{tree}`);
    return merged.stdout.toString('utf8').trim() === tree.stdout.toString('utf8').trim();
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}
