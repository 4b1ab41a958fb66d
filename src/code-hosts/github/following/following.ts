import { VendorError } from '../../../core/vendor-error.ts';
import type { GitHubClient, RepositoryReach, Self } from '../../../vendors/github/client.ts';
import type { RequestFollowing } from '../../code-host.ts';
import { toPullRequest } from '../pull-requests.ts';
import { readCheckLog } from './read-log.ts';
import { readProgress } from './read-progress.ts';
import { readRequiredChecks } from './required-checks.ts';
import { createThreadReader } from './threads.ts';
import { createWriters } from './write-access.ts';
import { acknowledgeRemark } from './writing/acknowledge.ts';
import { deleteBranch } from './writing/delete-branch.ts';
import { replyToRemark } from './writing/reply.ts';
import { showStatus } from './writing/show-status.ts';

/** What a base branch requires changes seldom. */
const requiredKeptMs = 5 * 60_000;

/** What becomes of pull requests on GitHub. */
export function createRequestFollowing(options: {
  client: GitHubClient;
  /** What people call the agent, beside its account's name; ''. */
  agent: string;
  /** Hears what a repository is called now. */
  noteName?(configured: string, now: string): void;
  now?: () => number;
}): RequestFollowing {
  const { client, agent, noteName = () => {}, now = Date.now } = options;
  const writers = createWriters(now);
  const threads = createThreadReader(now);
  const required = new Map<string, { at: number; names: string[] | null }>();

  async function requiredChecks(location: string, reach: RepositoryReach, branch: string, signal: AbortSignal) {
    const key = `${location} ${branch}`;
    const before = required.get(key);
    if (before && now() - before.at < requiredKeptMs) return before.names;
    const names = await readRequiredChecks(reach, branch, signal);
    required.set(key, { at: now(), names });
    return names;
  }

  async function self(signal: AbortSignal): Promise<Self> {
    const known = await client.self(signal);
    return agent === '' ? known : { ...known, names: [...known.names, agent] };
  }

  return {
    async read(repository, number, signal) {
      signal.throwIfAborted();
      const { location } = repository;
      if (!Number.isSafeInteger(number) || number < 1)
        throw new VendorError(`${location} has no pull request ${number}.`, { code: 'not_found', retryable: false });
      return readProgress(
        client.on(location),
        number,
        {
          self,
          requiredChecks: (reach, branch, until) => requiredChecks(location, reach, branch, until),
          writers: (reach, logins, until) => writers(reach, location, logins, until),
          threads: (reach, of, seen, until) => threads(reach, location, of, seen, until),
        },
        (pull) => {
          noteName(location, pull.base.repo.full_name);
          return toPullRequest(repository, pull);
        },
        signal,
      );
    },

    async readLog(repository, run, signal) {
      signal.throwIfAborted();
      return readCheckLog(client.on(repository.location), run, signal);
    },

    async write(repository, operation, signal) {
      signal.throwIfAborted();
      const reach = client.on(repository.location);
      switch (operation.kind) {
        case 'replyToRemark':
          return replyToRemark(reach, operation, await self(signal), signal);
        case 'acknowledgeRemark':
          return acknowledgeRemark(reach, operation.remark, signal);
        case 'showStatus':
          return showStatus(reach, operation, await self(signal), signal);
        case 'deleteBranch':
          return deleteBranch(reach, repository, operation, signal);
      }
    },
  };
}
