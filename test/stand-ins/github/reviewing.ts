import { git, tryGit } from './git.ts';
import type { GitHub } from './github.ts';
import { type Review, type ReviewComment, reviewsOf, type Thread } from './review-rows.ts';
import { describeReview, describeReviewComment, describeThread } from './reviews.ts';
import type { Issue, Repository, User } from './rows.ts';
import { describePullBriefly } from './views.ts';

export interface NewLine {
  path: string;
  body: string;
  /** As of the head; missing: the whole file. */
  line?: number;
  startLine?: number;
  side?: 'LEFT' | 'RIGHT';
}

export interface NewReview {
  by: User;
  body?: string;
  verdict?: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED';
  lines?: NewLine[];
  /** Nobody else sees it, until it is submitted. */
  isPending?: boolean;
}

/** What people do on a pull request. */
export interface Reviewing {
  review(issue: Issue, wanted: NewReview): Promise<{ review: Review; comments: ReviewComment[] }>;
  submit(review: Review): Promise<void>;
  dismiss(review: Review, by: User): Promise<void>;
  reply(to: ReviewComment, by: User, body: string): Promise<ReviewComment>;
  edit(comment: ReviewComment, body: string): Promise<void>;
  resolve(thread: Thread, by: User | null): Promise<void>;
}

export function createReviewing(github: GitHub, repository: Repository): Reviewing {
  const rows = reviewsOf(github);

  async function emit(event: string, action: string, sender: User, issue: Issue, payload: object): Promise<void> {
    const pull_request = await describePullBriefly(github, repository, issue);
    github.emit(event, action, { sender, repository, payload: { pull_request, ...payload } });
  }

  function addReview(issue: Issue, by: User, state: Review['state'], body: string): Review {
    const review: Review = {
      id: github.nextId(),
      repository,
      issue,
      user: by,
      body,
      state,
      commit: issue.pull?.headSha ?? '',
      submittedAt: state === 'PENDING' ? null : github.clock.stamp(),
    };
    rows.reviews.push(review);
    return review;
  }

  function addComment(thread: Thread, review: Review, body: string): ReviewComment {
    const at = github.clock.stamp();
    const comment = { id: github.nextId(), thread, review, user: review.user, body, createdAt: at, updatedAt: at };
    rows.comments.push(comment);
    return comment;
  }

  /** In events the state is in small letters. */
  function told(review: Review): Record<string, unknown> {
    return { ...describeReview(github, review), state: review.state.toLowerCase() };
  }

  async function tellSubmitted(review: Review): Promise<void> {
    review.issue.updatedAt = github.clock.stamp();
    await emit('pull_request_review', 'submitted', review.user, review.issue, {
      review: told(review),
    });
    for (const comment of rows.comments.filter((each) => each.review === review)) await tellComment(comment);
  }

  async function tellComment(comment: ReviewComment, action = 'created', more: object = {}): Promise<void> {
    await emit('pull_request_review_comment', action, comment.user, comment.thread.issue, {
      comment: await describeReviewComment(github, comment),
      ...more,
    });
  }

  return {
    async review(issue, { by, body = '', verdict = 'COMMENTED', lines = [], isPending = false }) {
      const review = addReview(issue, by, isPending ? 'PENDING' : verdict, body);
      const comments: ReviewComment[] = [];
      for (const { path, line = null, startLine = null, side = 'RIGHT', body: text } of lines) {
        const thread: Thread = {
          id: `PRRT_${github.nextId()}`,
          repository,
          issue,
          path,
          side,
          line,
          startLine,
          commit: review.commit,
          hunk: await hunkOf(repository.dir, issue, path, line, side),
          resolvedBy: null,
        };
        rows.threads.push(thread);
        comments.push(addComment(thread, review, text));
      }
      if (!isPending) await tellSubmitted(review);
      return { review, comments };
    },

    async submit(review) {
      Object.assign(review, { state: 'COMMENTED', submittedAt: github.clock.stamp() });
      await tellSubmitted(review);
    },

    async dismiss(review, by) {
      review.state = 'DISMISSED';
      await emit('pull_request_review', 'dismissed', by, review.issue, { review: told(review) });
    },

    async reply(to, by, body) {
      const review = addReview(to.thread.issue, by, 'COMMENTED', '');
      const comment = addComment(to.thread, review, body);
      await tellSubmitted(review);
      return comment;
    },

    async edit(comment, body) {
      const from = comment.body;
      Object.assign(comment, { body, updatedAt: github.clock.stamp() });
      await tellComment(comment, 'edited', { changes: { body: { from } } });
    },

    async resolve(thread, by) {
      const sender = by ?? github.addUser('ada');
      thread.resolvedBy = by;
      await emit('pull_request_review_thread', by ? 'resolved' : 'unresolved', sender, thread.issue, {
        thread: await describeThread(github, thread),
      });
    },
  };
}

/** From the beginning of the hunk to the line itself, as GitHub shows it. */
async function hunkOf(
  dir: string,
  { pull }: Issue,
  path: string,
  line: number | null,
  side: 'LEFT' | 'RIGHT',
): Promise<string> {
  const diff = await git(dir, ['diff', '-U3', `${pull?.base}...${pull?.headSha}`, '--', path]);
  const hunks = diff.split(/^(?=@@ )/m).slice(1);
  if (line === null) return hunks[0]?.split('\n').slice(0, 2).join('\n') ?? '';
  for (const hunk of hunks) {
    const [header = '', ...body] = hunk.split('\n');
    const [, left, right] = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(header) ?? [];
    let at = Number(side === 'LEFT' ? left : right);
    for (const [index, text] of body.entries()) {
      if (text.startsWith(side === 'LEFT' ? '+' : '-')) continue;
      if (at === line) return [header, ...body.slice(0, index + 1)].join('\n');
      at++;
    }
  }
  throw new Error(`${path}:${line} is not in the diff`);
}

/** Where a line of one commit is in another; null: it was changed. */
export async function lineAt(
  dir: string,
  path: string,
  line: number,
  from: string,
  to: string,
): Promise<number | null> {
  if (from === to) return line;
  const { exitCode, stdout } = await tryGit(dir, ['diff', '-U0', from, to, '--', path]);
  if (exitCode !== 0) return null;
  let moved = 0;
  for (const [, at, count = '1', , added = '1'] of stdout
    .toString()
    .matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)) {
    const first = Number(at) + (count === '0' ? 1 : 0);
    if (line < first) break;
    if (line < first + Number(count)) return null;
    moved += Number(added) - Number(count);
  }
  return line + moved;
}
