import type { components } from '@octokit/openapi-types';
import type { Remark } from '../../../core/request-progress.ts';
import type { Person } from '../../../core/ticket.ts';
import type { RepositoryReach, Self } from '../../../vendors/github/client.ts';
import { excerptOf } from '../../../vendors/github/excerpt.ts';
import { mentionsAny } from '../../../vendors/github/mentions.ts';
import { isMarked } from './marker.ts';
import type { Threads } from './threads.ts';

export type Review = components['schemas']['pull-request-review'];
export type LineComment = components['schemas']['pull-request-review-comment'];
export type Comment = components['schemas']['issue-comment'];
type User = { id: number; login: string; type: string } | null;

export interface Said {
  reviews: Review[];
  lines: LineComment[];
  comments: Comment[];
}

export async function readSaid(reach: RepositoryReach, number: number, signal: AbortSignal): Promise<Said> {
  const [reviews, lines, comments] = await Promise.all([
    reach.list<Review>('GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', { pull_number: number }, signal),
    reach.list<LineComment>('GET /repos/{owner}/{repo}/pulls/{pull_number}/comments', { pull_number: number }, signal),
    reach.list<Comment>('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', { issue_number: number }, signal),
  ]);
  // Of a pending review nobody but its author is to know.
  const pending = new Set(reviews.filter(({ state }) => state === 'PENDING').map(({ id }) => id));
  return {
    reviews: reviews.filter(({ id }) => !pending.has(id)),
    lines: lines.filter((line) => !pending.has(line.pull_request_review_id ?? 0)),
    comments,
  };
}

/** Changes with whatever was said or edited, so that the threads are asked for anew. */
export function printOf({ lines }: Said): string {
  return lines.map(({ id, updated_at }) => `${id} ${updated_at}`).join();
}

/** People among the authors: bots are never heard. */
export function peopleIn({ reviews, lines, comments }: Said): Set<string> {
  const users = [...reviews, ...lines, ...comments].map(({ user }) => user as User);
  return new Set(users.flatMap((user) => (user?.type === 'User' ? [user.login] : [])));
}

/** Oldest first, without the agent's own. */
export function remarksOf(said: Said, threads: Threads, writers: ReadonlySet<string>, self: Self): Remark[] {
  const common = (user: User, body: string) => ({
    author: personOf(user),
    mayWrite: user !== null && writers.has(user.login),
    body,
    mentions: mentionsAny(body, self.names),
  });
  const whole = { thread: null, isResolved: false, path: null, line: null, excerpt: '' };
  const reviews = said.reviews.flatMap((review): Remark[] => {
    const { id, user, body, state, submitted_at } = review;
    const verdict = state === 'APPROVED' ? 'approved' : state === 'CHANGES_REQUESTED' ? 'changesRequested' : null;
    // What holds line comments together says nothing by itself.
    if (isOwn(user, body, self) || (verdict === null && body.trim() === '')) return [];
    return [
      { key: `review:${id}`, kind: 'review', verdict, at: submitted_at ?? '', ...whole, ...common(user, body ?? '') },
    ];
  });
  const lines = said.lines.flatMap((comment): Remark[] => {
    const { id, user, body, path, diff_hunk, created_at } = comment;
    if (isOwn(user, body, self)) return [];
    const thread = threads.get(comment.in_reply_to_id ?? id);
    const isFile = comment.subject_type === 'file';
    const last = comment.original_line ?? 0;
    const count = last - (comment.original_start_line ?? last) + 1;
    return [
      {
        key: `line:${id}`,
        kind: 'line',
        verdict: null,
        thread: thread?.id ?? null,
        isResolved: thread?.isResolved ?? false,
        path,
        line: isFile ? null : (comment.line ?? null),
        excerpt: isFile ? '' : excerptOf(diff_hunk, count, comment.side ?? 'RIGHT'),
        at: created_at,
        ...common(user, body),
      },
    ];
  });
  const comments = said.comments.flatMap((comment): Remark[] => {
    const { id, user, body = '', created_at } = comment;
    if (isOwn(user, body, self)) return [];
    return [{ key: `comment:${id}`, kind: 'comment', verdict: null, at: created_at, ...whole, ...common(user, body) }];
  });
  return [...reviews, ...lines, ...comments].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** An account that is gone is nobody's. */
export function personOf(user: User): Person {
  if (!user) return { id: 'ghost', name: 'ghost', isBot: false };
  return { id: String(user.id), name: user.login, isBot: user.type !== 'User' };
}

export function isOwn(user: User, body: string | null, { login, isApp }: Self): boolean {
  return user?.login.toLowerCase() === login.toLowerCase() && (isApp || isMarked(body ?? ''));
}
