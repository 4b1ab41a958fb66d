import { cleanLine, markOutside } from '../../../core/outside-text.ts';
import { excerptOf } from '../../../vendors/github/excerpt.ts';
import type { Api, Comment, Place } from '../api.ts';
import type { Account, Authorship } from '../people.ts';

/** Something said on a pull request: in its talk, on a line of it, or with a review. */
export interface Remark extends Authorship {
  /** Its id within the pull request; of a comment in the talk as of an issue's. */
  key: string;
  user: Account;
  body: string;
  /** As the agent is told: with the place that it is about. */
  words: string;
  created_at: string;
}

interface Spoken extends Authorship {
  id: number;
  body?: string | null | undefined;
  user?: Account;
}

export interface SpokenOnLine extends Spoken {
  path: string;
  diff_hunk: string;
  /** null: it is not there any more. */
  line?: number | null | undefined;
  original_line?: number | null | undefined;
  original_start_line?: number | null | undefined;
  side?: string | null | undefined;
  subject_type?: string | null | undefined;
  created_at: string;
}

export function remarkOfComment(comment: Spoken & { created_at: string }): Remark {
  return { ...said(comment), key: String(comment.id), words: comment.body ?? '', created_at: comment.created_at };
}

export function remarkOfReview(review: Spoken & { submitted_at: string }): Remark {
  return { ...said(review), key: `review/${review.id}`, words: review.body ?? '', created_at: review.submitted_at };
}

export function remarkOnLine(comment: SpokenOnLine): Remark {
  const { path, line, original_line: last, original_start_line: first, created_at } = comment;
  const isFile = comment.subject_type === 'file';
  const lines = (last ?? 0) - (first ?? last ?? 0) + 1;
  const excerpt = isFile ? '' : excerptOf(comment.diff_hunk, lines, comment.side === 'LEFT' ? 'LEFT' : 'RIGHT');
  const place = `On ${cleanLine(path, 300)}${isFile || !line ? '' : `:${line}`}`;
  const shown = excerpt.trim() === '' ? place : `${place}\n${markOutside('the code there', excerpt)}`;
  return {
    ...said(comment),
    key: `line/${comment.id}`,
    words: `${(comment.body ?? '').trim()}\n\n${shown}`,
    created_at,
  };
}

function said({ body, user, author_association, performed_via_github_app }: Spoken) {
  return {
    body: body ?? '',
    user,
    ...(author_association !== undefined && { author_association }),
    ...(performed_via_github_app && { performed_via_github_app }),
  };
}

/** All that was said on a pull request, oldest first; `comments` of its talk were read before. */
export async function readRemarks(
  api: Api,
  place: Place,
  comments: readonly Comment[],
  signal: AbortSignal,
): Promise<Remark[]> {
  const reviews = await api.reviews(place, signal);
  const lines = await api.lineComments(place, signal);
  // Of a pending review nobody but its author is to know.
  const pending = new Set(reviews.filter(({ state }) => state === 'PENDING').map(({ id }) => id));
  const remarks = [
    ...comments.map((comment) => remarkOfComment(comment as Spoken & Comment)),
    ...reviews.flatMap(({ submitted_at, ...review }) =>
      submitted_at === undefined || pending.has(review.id) || review.body.trim() === ''
        ? []
        : [remarkOfReview({ ...review, submitted_at } as Spoken & { submitted_at: string })],
    ),
    ...lines
      .filter(({ pull_request_review_id: review }) => !pending.has(review ?? 0))
      .map((line) => remarkOnLine(line as SpokenOnLine)),
  ];
  return remarks.sort((a, b) => (a.created_at < b.created_at ? -1 : a.created_at > b.created_at ? 1 : 0));
}
