import type { Repository } from '../../core/repository.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { ProcessResult } from '../../lib/process.ts';
import type { GitHubClient } from '../../vendors/github/client.ts';
import { lockedOut } from '../../vendors/github/errors.ts';
import { checkBranchName, checkCommits, movedByOthers, passing, pushArguments } from '../branch-push.ts';
import type { BranchPush } from '../code-host.ts';
import { git, invalid, remoteGit, said } from '../host-git.ts';
import { findPlace, gitAccess } from './repository.ts';

/** `CodeHost.pushBranch`: with a token that may write to this repository and is good for nothing else. */
export async function pushBranch(
  client: GitHubClient,
  repository: Repository,
  push: BranchPush,
  signal: AbortSignal,
): Promise<{ commit: string }> {
  const { gitDir, branch, commit, expected } = push;
  const place = await findPlace(client, repository, signal);
  const name = place.full_name;
  await checkBranchName(gitDir, repository, branch, place.default_branch, signal);
  checkCommits(push);
  const isThere = await git(gitDir, ['cat-file', '-e', `${commit}^{commit}`], signal);
  if (isThere.exitCode !== 0) throw invalid(`${commit} is no commit that we have. Nothing was pushed.`);
  if (place.archived)
    throw invalid(
      `${name} is archived, so nothing can be pushed there. Unarchive it, or take it out of shipmate.yaml.`,
    );

  // Never `workflows`: what runs with a repository's secrets is changed by people.
  const attempt = async (minutes?: number) => {
    const token = await client.tokenFor(name, { contents: 'write' }, signal, minutes);
    return remoteGit(gitDir, pushArguments(place.clone_url, push), signal, gitAccess(place.clone_url, token));
  };
  let pushed = await attempt();
  // Its hour may have ended meanwhile; another one is made once.
  if (isLockedOut(pushed) && client.isApp) pushed = await attempt(Number.POSITIVE_INFINITY);
  if (pushed.exitCode === 0) return { commit };

  // Whatever git said: where the branch is now decides.
  const now = await readBranch(client, name, branch, signal);
  if (now === commit) return { commit };
  if (now !== expected) throw movedByOthers(name, push, now);
  throw refusal(client, name, branch, pushed);
}

async function readBranch(
  client: GitHubClient,
  location: string,
  branch: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const route = 'GET /repos/{owner}/{repo}/git/ref/{ref}';
    const ref = `heads/${branch}`;
    return (await client.on(location).get<{ object: { sha: string } }>(route, { ref }, signal)).object.sha;
  } catch (error) {
    if (!(error instanceof VendorError)) throw error;
    const isEmpty = error.code === 'invalid' && /is empty/.test(error.message);
    if (error.code === 'not_found' || isEmpty) return null;
    throw error;
  }
}

function isLockedOut({ exitCode, stderr }: ProcessResult): boolean {
  return exitCode !== 0 && /could not read username|authentication failed|invalid username or token/i.test(stderr);
}

/** The workflow file for which a push was refused. */
function workflowIn({ exitCode, stdout, stderr }: ProcessResult): string | undefined {
  if (exitCode === 0) return undefined;
  return /to create or update workflow `([^`]+)`/.exec(`${stdout.toString('utf8')}\n${stderr}`)?.[1];
}

/** The branch is where we left it, so it is about what was pushed, or who pushed. */
function refusal(client: GitHubClient, name: string, branch: string, pushed: ProcessResult): VendorError {
  const whole = `${pushed.stdout.toString('utf8')}\n${pushed.stderr}`;
  const failed = (code: string, retryable: boolean, why: string) => new VendorError(why, { code, retryable });
  const workflow = workflowIn(pushed);
  const appPage = `${client.webUrl}/settings/installations`;
  if (workflow !== undefined)
    return invalid(
      `The change touches \`${workflow}\`, and workflows are changed by people only, so nothing was pushed to ${name}. Leave that file as it is, and say what is to be done there.`,
    );
  if (isLockedOut(pushed))
    return lockedOut(
      name,
      `GitHub does not let us push to ${name}: it takes no token of ours. That waits; see \`shipmate connect github --check\`.`,
    );
  if (/archived/i.test(whole)) return invalid(`${name} is archived, so nothing can be pushed there.`);
  if (/permission to .* denied|write access to repository not granted|error: 403/i.test(whole))
    return failed(
      'unauthorized',
      false,
      `GitHub does not let us push to ${name}. The App needs the permission "Contents: Read and write" there; see ${appPage}.`,
    );
  if (/repository not found|error: 404|' not found/i.test(whole))
    return failed('not_found', false, `GitHub has no repository ${name}, or does not show it to us.`);
  const reason = `${/^!\t.*$/m.exec(whole)?.[0].replaceAll('\t', ' ') ?? ''} ${said(pushed)}`.trim();
  const message = `Branch "${branch}" could not be pushed to ${name}: ${reason}`;
  const isRefused = /\[(remote )?rejected\]/.test(whole);
  return isRefused && !passing.test(whole)
    ? invalid(message)
    : failed('unavailable', true, isRefused ? message : `${message} It is tried again.`);
}
