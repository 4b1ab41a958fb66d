import type { GitHub } from './github.ts';
import { invalid, notFound } from './refusal.ts';
import { type Routes, repositoryOf, route } from './rest.ts';
import { type Review, type ReviewComment, reviewsOf, type Thread } from './review-rows.ts';
import { createReviewing, lineAt } from './reviewing.ts';
import { fullName, type Issue, type Repository, type User } from './rows.ts';
import { associationOf, describeUser, nodeId } from './views.ts';

/** Of a pending review nobody but its author sees anything. */
export function isSeenBy(review: Review, user: User): boolean {
  return review.state !== 'PENDING' || review.user === user;
}

export const reviewRoutes: Routes = {
  'pulls/list-reviews': route<'pulls/list-reviews'>('pull_requests:read', (call) => {
    const issue = pullOf(repositoryOf(call), call.path.pull_number);
    const all = reviewsOf(call.github).reviews.filter(
      (review) => review.issue === issue && isSeenBy(review, call.actor),
    );
    return { body: call.page(all).map((review) => describeReview(call.github, review)) };
  }),

  'pulls/list-review-comments': route<'pulls/list-review-comments'>('pull_requests:read', async (call) => {
    const issue = pullOf(repositoryOf(call), call.path.pull_number);
    const all = reviewsOf(call.github).comments.filter(
      ({ thread, review }) => thread.issue === issue && isSeenBy(review, call.actor),
    );
    return { body: await Promise.all(call.page(all).map((comment) => describeReviewComment(call.github, comment))) };
  }),

  'pulls/create-reply-for-review-comment': route<'pulls/create-reply-for-review-comment'>(
    'pull_requests:write',
    async (call) => {
      const { github, path, body, actor } = call;
      const repository = repositoryOf(call);
      const issue = pullOf(repository, path.pull_number);
      const { comments } = reviewsOf(github);
      const to = comments.find(({ id, thread }) => id === path.comment_id && thread.issue === issue);
      if (!to) throw notFound();
      const first = comments.find(({ thread }) => thread === to.thread);
      if (first !== to) throw invalid({ resource: 'PullRequestReviewComment', code: 'invalid', field: 'in_reply_to' });
      if (body.body.length > 65_536)
        throw invalid({ resource: 'PullRequestReviewComment', code: 'invalid', field: 'body' });
      const comment = await createReviewing(github, repository).reply(to, actor, body.body);
      return { status: 201, body: await describeReviewComment(github, comment) };
    },
  ),

  'reactions/create-for-pull-request-review-comment': route<'reactions/create-for-pull-request-review-comment'>(
    'pull_requests:write',
    (call) => {
      const { github, path } = call;
      const repository = repositoryOf(call);
      const there = reviewsOf(github).comments.some(
        ({ id, thread }) => id === path.comment_id && thread.repository === repository,
      );
      if (!there) throw notFound();
      return react(github, path.comment_id, call.actor, call.body.content);
    },
  ),

  'reactions/create-for-issue-comment': route<'reactions/create-for-issue-comment'>(
    'issues:write|pull_requests:write',
    (call) => {
      const { github, path } = call;
      const comments = [...repositoryOf(call).issues.values()].flatMap(({ comments }) => comments);
      if (!comments.some(({ id }) => id === path.comment_id)) throw notFound();
      return react(github, path.comment_id, call.actor, call.body.content);
    },
  ),
};

/** One of each kind and person: 200 where it is there already. */
function react(github: GitHub, comment: number, user: User, content: string) {
  const { reactions } = reviewsOf(github);
  const known = reactions.find((each) => each.comment === comment && each.user === user && each.content === content);
  const reaction = known ?? { id: github.nextId(), comment, user, content, createdAt: github.clock.stamp() };
  if (!known) reactions.push(reaction);
  const { id, createdAt } = reaction;
  return {
    status: known ? 200 : 201,
    body: { id, node_id: nodeId('REA', id), user: describeUser(github, user), content, created_at: createdAt },
  };
}

function pullOf(repository: Repository, number: number): Issue {
  const issue = repository.issues.get(number);
  if (!issue?.pull) throw notFound();
  return issue;
}

const pageOf = (github: GitHub, repository: Repository, issue: Issue) =>
  `${github.url}/${fullName(repository)}/pull/${issue.number}`;

export function describeReview(github: GitHub, review: Review): Record<string, unknown> {
  const { id, repository, issue, user, body, state, commit, submittedAt } = review;
  const html = `${pageOf(github, repository, issue)}#pullrequestreview-${id}`;
  const url = `${github.apiUrl}/repos/${fullName(repository)}/pulls/${issue.number}`;
  return {
    id,
    node_id: nodeId('PRR', id),
    user: describeUser(github, user),
    body,
    state,
    commit_id: commit,
    html_url: html,
    pull_request_url: url,
    author_association: associationOf(repository, user),
    _links: { html: { href: html }, pull_request: { href: url } },
    ...(submittedAt !== null && { submitted_at: submittedAt }),
  };
}

export async function describeReviewComment(github: GitHub, comment: ReviewComment): Promise<Record<string, unknown>> {
  const { id, thread, review, user, body, createdAt, updatedAt } = comment;
  const { repository, issue, path, side, commit, hunk } = thread;
  const first = reviewsOf(github).comments.find((each) => each.thread === thread);
  const head = issue.pull?.headSha ?? commit;
  const now = (line: number | null) => (line === null ? null : lineAt(repository.dir, path, line, commit, head));
  const line = side === 'LEFT' ? thread.line : await now(thread.line);
  const startLine = side === 'LEFT' ? thread.startLine : await now(thread.startLine);
  const html = `${pageOf(github, repository, issue)}#discussion_r${id}`;
  const url = `${github.apiUrl}/repos/${fullName(repository)}/pulls/comments/${id}`;
  const pull = `${github.apiUrl}/repos/${fullName(repository)}/pulls/${issue.number}`;
  return {
    id,
    node_id: nodeId('PRRC', id),
    pull_request_review_id: review.id,
    ...(first !== comment && first && { in_reply_to_id: first.id }),
    diff_hunk: hunk,
    path,
    commit_id: head,
    original_commit_id: commit,
    user: describeUser(github, user),
    body,
    created_at: createdAt,
    updated_at: updatedAt,
    url,
    html_url: html,
    pull_request_url: pull,
    author_association: associationOf(repository, user),
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: pull } },
    subject_type: thread.line === null ? 'file' : 'line',
    side,
    start_side: thread.startLine === null ? null : side,
    start_line: startLine,
    original_start_line: thread.startLine,
    // The description knows no null here, but that is what the real one answers of a line that is gone.
    ...(line !== null && { line }),
    ...(thread.line !== null && { original_line: thread.line }),
  };
}

export async function describeThread(github: GitHub, thread: Thread): Promise<Record<string, unknown>> {
  const comments = reviewsOf(github).comments.filter((comment) => comment.thread === thread);
  return {
    node_id: thread.id,
    comments: await Promise.all(comments.map((comment) => describeReviewComment(github, comment))),
  };
}
