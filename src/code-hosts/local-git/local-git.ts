import { tmpdir } from 'node:os';
import { sql } from 'kysely';
import type { Pool } from 'pg';
import type { Check } from '../../core/check.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../../lib/database-error.ts';
import type { CodeHost } from '../code-host.ts';
import { git, remoteEnv } from '../host-git.ts';
import { type Find, findRepository, readDefaultBranch } from './git.ts';
import { localGitDatabase, openPullRequest, readPullRequest } from './pull-requests.ts';
import { pushBranch } from './push.ts';
import { fetchRemote, isRemote, readRemoteHead } from './remote.ts';

/**
 * Repositories on this machine's disk, bare or ordinary, named by their path, and any that git reaches by a URL; their pull
 * requests are rows in our database. People merge with git, and the pull request sees it.
 */
export function createLocalGit(options: { pool: Pool; dataDir: string }): CodeHost {
  const { pool, dataDir } = options;
  const db = localGitDatabase(pool);
  const find: Find = (repository, signal) =>
    isRemote(repository) ? fetchRemote(dataDir, repository, signal) : findRepository(repository, signal);
  return {
    kind: 'local-git',

    async locate(repository, signal) {
      if (isRemote(repository)) {
        const defaultBranch = await readRemoteHead(dataDir, repository, signal);
        return { url: repository.location, env: remoteEnv, defaultBranch };
      }
      const place = await findRepository(repository, signal);
      return { url: place.path, env: {}, defaultBranch: await readDefaultBranch(place, repository, signal) };
    },

    pushBranch: (repository, push, signal) => pushBranch(repository, push, signal, find),
    openPullRequest: (repository, input, signal) =>
      asVendor(() => openPullRequest(db, find, repository, input, signal)),
    linkTo: () => null,
    readPullRequest: (repository, number, signal) =>
      asVendor(() => readPullRequest(db, find, repository, number, signal)),

    following: null,
    webhooks: null,

    async check() {
      return [
        await attempt('local-git: git', 'Install it, for example with `apt-get install git`.', async () => {
          return (await git(tmpdir(), ['--version'])).stdout.toString('utf8').trim();
        }),
        await attempt('local-git: pull requests', 'Run `shipmate migrate`, or correct DATABASE_URL.', async () => {
          const { rows } = await sql<{ n: string }>`select count(*) as n from local_git_pull_requests`.execute(db);
          return `${rows[0]?.n} on record`;
        }),
      ];
    },
  };
}

async function attempt(name: string, remedy: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { name, status: 'ok', message: await work() };
  } catch (error) {
    return { name, status: 'missing', message: (error as Error).message, remedy };
  }
}

/** A lost database is a vendor that is not there; everything else passes as it is. */
async function asVendor<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    throw new VendorError(`The pull requests' database does not answer: ${(error as Error).message}`, {
      code: 'unavailable',
      retryable: true,
      cause: error,
    });
  }
}
