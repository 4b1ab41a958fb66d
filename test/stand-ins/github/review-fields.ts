import { connectionOf, type Fields, type GraphqlContext, unresolved } from './graphql.ts';
import { type ReviewComment, reviewsOf, type Thread } from './review-rows.ts';
import { createReviewing } from './reviewing.ts';
import { isSeenBy } from './reviews.ts';
import { isVisible, levelOf } from './rights.ts';
import { fullName, type Issue } from './rows.ts';
import { nodeId } from './views.ts';

interface Slice {
  first?: number;
  last?: number;
  after?: string;
}

/** Threads of reviews: REST knows none. */
export const reviewFields: Fields = {
  'Query.repository': ({ owner, name }: { owner: string; name: string }, context) => {
    const { github, token } = context;
    const wanted = `${owner}/${name}`.toLowerCase();
    const found = github.repositories.find((each) => fullName(each).toLowerCase() === wanted);
    if (!found || !isVisible(github, token, found)) throw unresolved(`Repository with the name '${owner}/${name}'`);
    return {
      id: nodeId('R', found.id),
      pullRequest: ({ number }: { number: number }) => {
        const issue = found.issues.get(number);
        if (!issue?.pull) throw unresolved(`PullRequest with the number of ${number}`);
        return {
          id: nodeId('PR', issue.pull.id),
          number,
          reviewThreads: (slice: Slice) => threadsIn(context, issue, slice),
        };
      },
    };
  },

  'Query.node': ({ id }: { id: string }, context) => threadFields(context, threadOf(context, id)),

  'Mutation.addPullRequestReviewThreadReply': async (
    { input }: { input: { pullRequestReviewThreadId: string; body: string } },
    context,
  ) => {
    const thread = threadOf(context, input.pullRequestReviewThreadId);
    context.allow(thread.repository, 'pull_requests:write');
    const [first] = commentsOf(context, thread);
    const reviewing = createReviewing(context.github, thread.repository);
    const comment = await reviewing.reply(first as ReviewComment, context.actor, input.body);
    return { comment: commentFields(context, comment) };
  },

  'Mutation.resolveReviewThread': async ({ input }: { input: { threadId: string } }, context) => {
    const thread = threadOf(context, input.threadId);
    context.allow(thread.repository, 'pull_requests:write');
    await createReviewing(context.github, thread.repository).resolve(thread, context.actor);
    return { thread: threadFields(context, thread) };
  },
};

function threadsIn(context: GraphqlContext, issue: Issue, slice: Slice) {
  const threads = seenThreads(context).filter((thread) => thread.issue === issue);
  return connectionOf(
    threads.map((thread) => threadFields(context, thread)),
    slice,
  );
}

/** Without those of which nobody but another may know. */
function seenThreads(context: GraphqlContext): Thread[] {
  const { github, token } = context;
  return reviewsOf(github).threads.filter(
    (thread) => isVisible(github, token, thread.repository) && commentsOf(context, thread).length > 0,
  );
}

function threadOf(context: GraphqlContext, id: string): Thread {
  const thread = seenThreads(context).find((each) => each.id === id);
  if (!thread) throw unresolved(`node with the global id of '${id}'`);
  return thread;
}

function commentsOf({ github, actor }: GraphqlContext, thread: Thread): ReviewComment[] {
  return reviewsOf(github).comments.filter((comment) => comment.thread === thread && isSeenBy(comment.review, actor));
}

function threadFields(context: GraphqlContext, thread: Thread): object {
  const { id, path, repository, resolvedBy } = thread;
  return {
    __typename: 'PullRequestReviewThread',
    id,
    path,
    isResolved: resolvedBy !== null,
    viewerCanResolve: resolvedBy === null && mayResolve(context, thread),
    comments: (slice: Slice) =>
      connectionOf(
        commentsOf(context, thread).map((comment) => commentFields(context, comment)),
        slice,
      ),
    repository: { id: nodeId('R', repository.id) },
  };
}

function mayResolve({ token, actor }: GraphqlContext, { repository }: Thread): boolean {
  if (token.installation) return token.permissions.pull_requests === 'write';
  return ['admin', 'write'].includes(levelOf(repository, actor));
}

function commentFields({ github, actor }: GraphqlContext, { id, body, user, thread }: ReviewComment): object {
  return {
    id: nodeId('PRRC', id),
    fullDatabaseId: String(id),
    body,
    viewerDidAuthor: user === actor,
    url: `${github.url}/${fullName(thread.repository)}/pull/${thread.issue.number}#discussion_r${id}`,
  };
}
