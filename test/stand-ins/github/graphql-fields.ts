import { GraphQLError } from 'graphql';
import { mayDo, type Token } from './apps.ts';
import type { GitHub } from './github.ts';
import { emitPull } from './ref-moved.ts';
import { isVisible, levelOf } from './rest.ts';
import { type ReviewComment, reviewsOf, type Thread } from './review-rows.ts';
import { createReviewing } from './reviewing.ts';
import { isSeenBy } from './reviews.ts';
import { fullName, type Issue, type Repository } from './rows.ts';
import { nodeId } from './views.ts';

export interface GraphqlContext {
  github: GitHub;
  token: Token;
}

interface Slice {
  first?: number;
  last?: number;
  after?: string;
}

/** The few fields of Query and Mutation that are asked for; any other is null, and an error where that may not be. */
export const rootValue = {
  repository: ({ owner, name }: { owner: string; name: string }, context: GraphqlContext) => {
    const { github, token } = context;
    const wanted = `${owner}/${name}`.toLowerCase();
    const found = github.repositories.find((each) => fullName(each).toLowerCase() === wanted);
    if (!found || !isVisible(github, token, found))
      throw refusal('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`);
    return {
      id: nodeId('R', found.id),
      nameWithOwner: fullName(found),
      pullRequest: ({ number }: { number: number }) => {
        const issue = found.issues.get(number);
        if (!issue?.pull)
          throw refusal('NOT_FOUND', `Could not resolve to a PullRequest with the number of ${number}.`);
        return pullFields(context, issue);
      },
    };
  },

  node: ({ id }: { id: string }, context: GraphqlContext) => {
    const thread = threadsOf(context).find((each) => each.id === id);
    if (thread) return threadFields(context, thread);
    const pull = findPull(context, id);
    if (pull) return pullFields(context, pull.issue);
    throw refusal('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'.`);
  },

  addPullRequestReviewThreadReply: async (
    { input }: { input: { pullRequestReviewThreadId: string; body: string } },
    context: GraphqlContext,
  ) => {
    const thread = threadOf(context, input.pullRequestReviewThreadId);
    checkWriter(context, thread.repository);
    const { github, token } = context;
    const [first] = commentsOf(context, thread);
    if (!first) throw refusal('NOT_FOUND', 'Could not resolve to a node.');
    const comment = await createReviewing(github, thread.repository).reply(first, token.user, input.body);
    return { comment: commentFields(context, comment) };
  },

  resolveReviewThread: async ({ input }: { input: { threadId: string } }, context: GraphqlContext) => {
    const thread = threadOf(context, input.threadId);
    checkWriter(context, thread.repository);
    await createReviewing(context.github, thread.repository).resolve(thread, context.token.user);
    return { thread: threadFields(context, thread) };
  },

  markPullRequestReadyForReview: ({ input }: { input: { pullRequestId: string } }, context: GraphqlContext) =>
    setDraft(context, input.pullRequestId, false),

  convertPullRequestToDraft: ({ input }: { input: { pullRequestId: string } }, context: GraphqlContext) =>
    setDraft(context, input.pullRequestId, true),
};

async function setDraft(context: GraphqlContext, id: string, draft: boolean): Promise<object> {
  const found = findPull(context, id);
  if (!found?.issue.pull) throw refusal('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'.`);
  const { issue, repository } = found;
  checkWriter(context, repository);
  const { pull } = issue;
  if (pull && pull.draft !== draft) {
    pull.draft = draft;
    const action = draft ? 'converted_to_draft' : 'ready_for_review';
    await emitPull(context.github, repository, issue, action, context.token.user);
  }
  return { pullRequest: pullFields(context, issue) };
}

function findPull({ github, token }: GraphqlContext, id: string): { repository: Repository; issue: Issue } | null {
  for (const repository of github.repositories.filter((each) => isVisible(github, token, each)))
    for (const issue of repository.issues.values())
      if (issue.pull && nodeId('PR', issue.pull.id) === id) return { repository, issue };
  return null;
}

function pullFields(context: GraphqlContext, issue: Issue): object {
  return {
    __typename: 'PullRequest',
    id: nodeId('PR', issue.pull?.id ?? 0),
    number: issue.number,
    isDraft: issue.pull?.draft ?? false,
    reviewThreads: (slice: Slice) =>
      connectionOf(
        threadsOf(context).filter((thread) => thread.issue === issue),
        slice,
        (thread) => threadFields(context, thread),
      ),
  };
}

/** Without those of which nobody but another may know. */
function threadsOf(context: GraphqlContext): Thread[] {
  const { github, token } = context;
  return reviewsOf(github).threads.filter(
    (thread) => isVisible(github, token, thread.repository) && commentsOf(context, thread).length > 0,
  );
}

function threadOf(context: GraphqlContext, id: string): Thread {
  const thread = threadsOf(context).find((each) => each.id === id);
  if (!thread) throw refusal('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'.`);
  return thread;
}

function commentsOf({ github, token }: GraphqlContext, thread: Thread): ReviewComment[] {
  return reviewsOf(github).comments.filter(
    (comment) => comment.thread === thread && isSeenBy(comment.review, token.user),
  );
}

function threadFields(context: GraphqlContext, thread: Thread): object {
  return {
    __typename: 'PullRequestReviewThread',
    id: thread.id,
    isResolved: thread.resolvedBy !== null,
    path: thread.path,
    viewerCanReply: () => isWriter(context, thread.repository),
    viewerCanResolve: () => isWriter(context, thread.repository) && thread.resolvedBy === null,
    comments: (slice: Slice) =>
      connectionOf(commentsOf(context, thread), slice, (comment) => commentFields(context, comment)),
  };
}

function commentFields({ github, token }: GraphqlContext, { id, body, user, thread }: ReviewComment): object {
  return {
    __typename: 'PullRequestReviewComment',
    id: nodeId('PRRC', id),
    fullDatabaseId: String(id),
    body,
    viewerDidAuthor: user === token.user,
    url: `${github.url}/${fullName(thread.repository)}/pull/${thread.issue.number}#discussion_r${id}`,
  };
}

function connectionOf<Item>(items: Item[], { first, last, after }: Slice, view: (item: Item) => object): object {
  if (first === undefined && last === undefined)
    throw refusal('MISSING_PAGINATION_BOUNDARIES', 'You must provide a `first` or `last` value to properly paginate.');
  const from = after === undefined || after === null ? 0 : Number(after);
  const chosen = typeof first === 'number' ? items.slice(from, from + first) : items.slice(-(last ?? 0));
  const end = from + chosen.length;
  return {
    totalCount: items.length,
    nodes: chosen.map(view),
    pageInfo: { hasNextPage: typeof first === 'number' && end < items.length, endCursor: String(end) },
  };
}

function isWriter({ token }: GraphqlContext, repository: Repository): boolean {
  if (token.installation) return mayDo(token, 'pull_requests:write');
  return ['admin', 'write'].includes(levelOf(repository, token.user));
}

function checkWriter(context: GraphqlContext, repository: Repository): void {
  if (!isWriter(context, repository)) throw refusal('FORBIDDEN', 'Resource not accessible by integration');
}

function refusal(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } });
}
