import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Repository } from '../../core/repository.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { BranchPush } from '../code-host.ts';
import {
  type Find,
  findRepository,
  git,
  heads,
  invalid,
  type Place,
  readBranch,
  readDefaultBranch,
  said,
} from './git.ts';
import { cannotReach, isRemote, remoteGit } from './remote.ts';

/**
 * The receiving side is started by us too. It belongs to a person and may have another owner, which git distrusts for the
 * sake of the hooks there; so those are off. A repository that is ours to push to is not ours to run programs from:
 * `core.hooksPath` may well point at checked-in files. No clean-up is left behind in the background.
 */
const receivePack = [
  'git',
  ...['safe.directory=*', 'core.hooksPath=/dev/null', 'core.fsmonitor=false'],
  ...['receive.denyCurrentBranch=refuse', 'receive.autogc=false'],
]
  .map((word, index) => (index === 0 ? word : `-c '${word}'`))
  .concat('receive-pack')
  .join(' ');

/** What git says where the other side could not, rather than would not: its disk is full, or somebody has a lock. */
const passing = /unpacker error|remote unpack failed|Unable to create '[\s\S]*?\.lock': File exists|No space left/i;

/** `CodeHost.pushBranch`. Never the base or default branch, never one that somebody has checked out. */
export async function pushBranch(
  repository: Repository,
  push: BranchPush,
  signal: AbortSignal,
  find: Find = findRepository,
): Promise<{ commit: string }> {
  const { gitDir, branch, commit, expected } = push;
  const place = await find(repository, signal);
  await checkBranch(place, repository, branch, signal);
  checkCommit(commit);
  if (expected !== null) checkCommit(expected);

  const ref = `${heads}${branch}`;
  // On another machine that machine's own settings hold, and a hosting service takes no program of ours.
  const receiving = isRemote(repository) ? [] : [`--receive-pack=${receivePack}`];
  const pushed = await (isRemote(repository) ? remoteGit : git)(
    gitDir,
    [
      'push',
      '--porcelain',
      '--no-follow-tags',
      '--recurse-submodules=no',
      ...receiving,
      `--force-with-lease=${ref}:${expected ?? ''}`,
      place.path,
      `${commit}:${ref}`,
    ],
    signal,
  );
  if (pushed.exitCode === 0) return { commit };

  // Whatever git said: where the branch is now decides.
  const now = await readBranch(isRemote(repository) ? await find(repository, signal) : place, branch, signal);
  if (now === commit) return { commit };
  if (now === expected) {
    const reason = `${pushed.stdout.toString('utf8').trim()} ${said(pushed)}`.trim();
    const message = `Branch "${branch}" could not be pushed to ${place.path}: ${reason}`;
    const whole = `${pushed.stdout.toString('utf8')}\n${pushed.stderr}`;
    if (isRemote(repository) && !/\[(remote )?rejected\]/.test(whole)) throw cannotReach(repository, pushed);
    if (passing.test(whole) && !/bad object/.test(whole))
      throw new VendorError(message, { code: 'unavailable', retryable: true });
    throw invalid(message);
  }
  const problem =
    expected === null
      ? 'exists already, and is not ours'
      : `is at ${now ?? 'no commit: it is gone'}, not at ${expected} as we left it: somebody else changed it`;
  throw new VendorError(`Branch "${branch}" of ${place.path} ${problem}. Nothing was pushed.`, {
    code: 'conflict',
    retryable: false,
  });
}

async function checkBranch(place: Place, repository: Repository, branch: string, signal: AbortSignal): Promise<void> {
  const named = JSON.stringify(branch);
  const wellFormed =
    /^(?![-@])[^\0-\x20\x7f]+$/.test(branch) &&
    !branch.startsWith('refs/') &&
    branch.toUpperCase() !== 'HEAD' &&
    (await git(place.gitDir, ['check-ref-format', `${heads}${branch}`], signal)).exitCode === 0;
  if (!wellFormed) throw invalid(`${named} is not a name for a branch. Nothing was pushed.`);
  const main = [await readDefaultBranch(place, repository, signal), repository.base];
  if (main.includes(branch))
    throw invalid(
      `${named} is the base branch of repository "${repository.name}", which is changed by pull request only.`,
    );
  // In a linked work tree, that is; HEAD's own branch is the default branch. Mostly there is none, and nothing to ask git.
  if (await hasNo(join(place.gitDir, 'worktrees'))) return;
  const listed = await git(place.gitDir, ['for-each-ref', '--format=%(worktreepath)', `${heads}${branch}`], signal);
  const workTree = listed.stdout.toString('utf8').trimEnd();
  if (workTree !== '')
    throw invalid(
      `Branch ${named} is checked out in ${workTree}, so it cannot be pushed to. Check out another branch there.`,
    );
}

async function hasNo(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
}

function checkCommit(commit: string): void {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) throw invalid(`${JSON.stringify(commit)} is not a commit.`);
}
