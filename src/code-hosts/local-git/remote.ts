import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Repository } from '../../core/repository.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { ProcessResult } from '../../lib/process.ts';
import { git, heads, invalid, remoteGit, said } from '../host-git.ts';
import type { Place } from './git.ts';

/** One that is named by a URL. */
export function isRemote({ location }: Repository): boolean {
  return !isAbsolute(location);
}

/** The branch that its HEAD names. */
export async function readRemoteHead(dir: string, repository: Repository, signal: AbortSignal): Promise<string> {
  await mkdir(dir, { recursive: true });
  const asked = await remoteGit(dir, ['ls-remote', '--symref', '--', repository.location, 'HEAD'], signal);
  if (asked.exitCode !== 0) throw cannotReach(repository, asked);
  const named = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(asked.stdout.toString('utf8'))?.[1] ?? repository.base;
  if (named !== null) return named;
  throw invalid(`Repository "${repository.name}": its HEAD names no branch. Push a first commit, or set \`base\`.`);
}

/** Its branches as they are now, in a bare copy of ours that all questions about them are asked of. */
export async function fetchRemote(dir: string, repository: Repository, signal: AbortSignal): Promise<Place> {
  const head = await readRemoteHead(dir, repository, signal);
  const { location } = repository;
  const gitDir = join(dir, `${createHash('sha256').update(location).digest('hex').slice(0, 24)}.git`);
  await makeCopy(gitDir, signal);
  const fetch = [
    'fetch',
    '--quiet',
    '--prune',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--force',
  ];
  for (let tries = 1; ; tries++) {
    const fetched = await remoteGit(gitDir, [...fetch, '--', location, `+${heads}*:${heads}*`], signal);
    if (fetched.exitCode === 0) break;
    // Another process of ours fetches the same at this moment.
    if (tries >= 5 || !/cannot lock ref|Unable to create .*\.lock/.test(fetched.stderr))
      throw cannotReach(repository, fetched);
    await delay(Math.random() * 200 * tries, undefined, { signal });
  }
  await git(gitDir, ['symbolic-ref', 'HEAD', `${heads}${head}`], signal);
  return { path: location, gitDir };
}

async function makeCopy(gitDir: string, signal: AbortSignal): Promise<void> {
  const isThere = async () => (await stat(gitDir).catch(() => null)) !== null;
  if (await isThere()) return;
  const half = `${gitDir}.${randomUUID()}`;
  const made = await git(half, ['init', '--quiet', '--bare', '--template=', '--initial-branch=none'], signal);
  if (made.exitCode !== 0) throw invalid(`A copy cannot be made at ${gitDir} ${said(made)}.`);
  await rename(half, gitDir).catch(async (error: unknown) => {
    await rm(half, { recursive: true, force: true });
    if (!(await isThere())) throw error;
  });
}

/** What git said is kept; a URL that redirects may bring names or passwords of its own. */
export function cannotReach({ name, location }: Repository, result: ProcessResult): VendorError {
  const told = said(result).replace(/(\w+:\/\/)[^/\s@]+@/g, '$1');
  const isGone = /not found|does not exist|not appear to be a git repository/i.test(told);
  const isRefused =
    /authentication failed|could not read username|permission denied|terminal prompts disabled|host key verification failed/i.test(
      told,
    );
  const remedy = isGone
    ? 'Correct its `url` in shipmate.yaml.'
    : isRefused
      ? 'Use the SSH URL, and give the user that runs Shipmate a key that may read and push there and the host in ~/.ssh/known_hosts.'
      : 'It is tried again.';
  return new VendorError(`Repository "${name}" at ${location} cannot be reached ${told}. ${remedy}`, {
    code: isGone ? 'not_found' : isRefused ? 'unauthorized' : 'unavailable',
    retryable: !isGone && !isRefused,
  });
}
