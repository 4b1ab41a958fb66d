import type { CodeHost, Location, PullRequestInput } from '../../../src/code-hosts/code-host.ts';
import type { PullRequest } from '../../../src/core/pull-request.ts';
import type { Repository } from '../../../src/core/repository.ts';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { callWorld } from './call-world.ts';
import type { WorldCall } from './faults.ts';

/** The world's repositories. The kind is local-git's: they lie on this machine's disk, and only the world moves them. */
export function createWorldCodeHost(options: { url: string }): CodeHost {
  const ask = <T>(call: WorldCall, body: unknown, signal: AbortSignal) =>
    callWorld<T>(options.url, 'code-host', call, body, signal);
  const find = (repository: Repository, by: unknown, signal: AbortSignal) =>
    ask<PullRequest | null>('findPullRequest', { repository, by }, signal);

  async function openPullRequest(repository: Repository, request: PullRequestInput, signal: AbortSignal) {
    const { id, head } = request;
    try {
      return await ask<PullRequest>('openPullRequest', { repository, request }, signal);
    } catch (error) {
      const code = error instanceof VendorError ? error.code : null;
      if (code !== 'exists' && code !== 'pull_request_exists') throw error;
      const mine = await find(repository, { id }, signal);
      if (mine) return mine;
      const open = code === 'exists' ? null : await find(repository, { head }, signal);
      if (!open) throw hidden(repository, request, error);
      return update(repository, open.number, request, signal);
    }
  }

  async function update(repository: Repository, number: number, request: PullRequestInput, signal: AbortSignal) {
    try {
      return await ask<PullRequest>('updatePullRequest', { repository, number, request }, signal);
    } catch (error) {
      if (!(error instanceof VendorError && error.code === 'exists')) throw error;
      const mine = await find(repository, { id: request.id }, signal);
      if (mine) return mine;
      throw hidden(repository, request, error);
    }
  }

  return {
    kind: 'local-git',
    locate: (repository, signal) => ask<Location>('locate', { repository }, signal),
    pushBranch: (repository, push, signal) => ask('pushBranch', { repository, push }, signal),
    openPullRequest,
    linkTo: () => null,
    readPullRequest: (repository, number, signal) => ask('readPullRequest', { repository, number }, signal),
    following: null,
    webhooks: null,
    check: async () => [{ name: 'code host world', status: 'ok', message: options.url }],
  };
}

/** It is there, and reads do not show it yet. */
function hidden(repository: Repository, { head, base }: PullRequestInput, cause: unknown): VendorError {
  const message = `The pull request from ${head} into ${base} of ${repository.name} exists, but cannot be read yet.`;
  return new VendorError(message, { code: 'unavailable', retryable: true, cause });
}
