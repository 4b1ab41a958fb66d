import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Repository } from '../../core/repository.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { checkBranchName, checkCommits, movedByOthers, passing, pushArguments } from '../branch-push.ts';
import type { BranchPush } from '../code-host.ts';
import { git, heads, invalid, remoteGit, said } from '../host-git.ts';
import { type Find, findRepository, type Place, readBranch, readDefaultBranch } from './git.ts';
import { cannotReach, isRemote } from './remote.ts';

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

/** `CodeHost.pushBranch`. Never the base or default branch, never one that somebody has checked out. */
export async function pushBranch(
  repository: Repository,
  push: BranchPush,
  signal: AbortSignal,
  find: Find = findRepository,
): Promise<{ commit: string }> {
  const { gitDir, branch, commit, expected } = push;
  const place = await find(repository, signal);
  const main = await readDefaultBranch(place, repository, signal);
  await checkBranchName(place.gitDir, repository, branch, main, signal);
  await checkNotInUse(place, branch, signal);
  checkCommits(push);

  // On another machine that machine's own settings hold, and a hosting service takes no program of ours.
  const receiving = isRemote(repository) ? [] : [`--receive-pack=${receivePack}`];
  const run = isRemote(repository) ? remoteGit : git;
  const pushed = await run(gitDir, pushArguments(place.path, push, receiving), signal);
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
  throw movedByOthers(place.path, push, now);
}

/** In a linked work tree, that is; HEAD's own branch is the default branch. Mostly there is none, and nothing to ask git. */
async function checkNotInUse(place: Place, branch: string, signal: AbortSignal): Promise<void> {
  if (await hasNo(join(place.gitDir, 'worktrees'))) return;
  const listed = await git(place.gitDir, ['for-each-ref', '--format=%(worktreepath)', `${heads}${branch}`], signal);
  const workTree = listed.stdout.toString('utf8').trimEnd();
  if (workTree !== '')
    throw invalid(
      `Branch ${JSON.stringify(branch)} is checked out in ${workTree}, so it cannot be pushed to. Check out another branch there.`,
    );
}

async function hasNo(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
}
