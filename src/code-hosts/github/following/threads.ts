import type { PullRequestReviewThreadConnection } from '@octokit/graphql-schema';
import type { RepositoryReach } from '../../../vendors/github/client.ts';

export interface Thread {
  /** GraphQL's node id. */
  id: string;
  isResolved: boolean;
}

/** By the id of its first comment. */
export type Threads = Map<number, Thread>;

/** That a thread was resolved shows nowhere in REST: while some are open, they are asked for this far apart. */
const askAgainAfterMs = 2 * 60_000;

export const threadsDocument = `query ReviewThreads($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        nodes { id isResolved comments(first: 1) { nodes { fullDatabaseId } } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;

interface Answer {
  repository: { pullRequest: { reviewThreads: PullRequestReviewThreadConnection } | null } | null;
}

/** The threads of pull requests; `seen` is what was seen by REST: they are asked for anew when that differs. */
export function createThreadReader(now: () => number) {
  const known = new Map<string, { at: number; seen: string; threads: Threads }>();
  return async (
    reach: RepositoryReach,
    location: string,
    number: number,
    seen: string,
    signal: AbortSignal,
  ): Promise<Threads> => {
    const key = `${location}#${number}`;
    const before = known.get(key);
    if (before?.seen === seen) {
      const isOpen = [...before.threads.values()].some(({ isResolved }) => !isResolved);
      if (!isOpen || now() - before.at < askAgainAfterMs) return before.threads;
    }
    const at = now();
    const threads = await ask(reach, number, signal);
    known.delete(key);
    known.set(key, { at, seen, threads });
    if (known.size > 500) known.delete(known.keys().next().value as string);
    return threads;
  };
}

async function ask(reach: RepositoryReach, number: number, signal: AbortSignal): Promise<Threads> {
  const threads: Threads = new Map();
  let after: string | null = null;
  do {
    const { repository }: Answer = await reach.graphql(threadsDocument, { number, after }, signal);
    const page: PullRequestReviewThreadConnection | undefined = repository?.pullRequest?.reviewThreads;
    for (const thread of page?.nodes ?? []) {
      const first = thread?.comments.nodes?.[0]?.fullDatabaseId;
      if (thread && first) threads.set(Number(first), { id: thread.id, isResolved: thread.isResolved });
    }
    after = page?.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
  } while (after !== null);
  return threads;
}
