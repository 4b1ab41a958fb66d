import type { GitHub } from './github.ts';
import type { Issue, Repository, User } from './rows.ts';

export type ReviewState = 'PENDING' | 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';

export interface Review {
  id: number;
  repository: Repository;
  issue: Issue;
  user: User;
  body: string;
  state: ReviewState;
  commit: string;
  submittedAt: string | null;
}

/** Comments on the same lines, the first of which says where. */
export interface Thread {
  id: string;
  repository: Repository;
  issue: Issue;
  path: string;
  side: 'LEFT' | 'RIGHT';
  /** Of the commit that it was written on; null: the whole file. */
  line: number | null;
  startLine: number | null;
  commit: string;
  hunk: string;
  resolvedBy: User | null;
}

export interface ReviewComment {
  id: number;
  thread: Thread;
  review: Review;
  user: User;
  body: string;
  createdAt: string;
  updatedAt: string;
}

export interface Reaction {
  id: number;
  /** Of a comment of whichever kind: ids are of one row. */
  comment: number;
  user: User;
  content: string;
  createdAt: string;
}

interface ReviewsOf {
  reviews: Review[];
  threads: Thread[];
  comments: ReviewComment[];
  reactions: Reaction[];
}

const kept = new WeakMap<GitHub, ReviewsOf>();

/** All that was reviewed, oldest first. */
export function reviewsOf(github: GitHub): ReviewsOf {
  const known = kept.get(github) ?? { reviews: [], threads: [], comments: [], reactions: [] };
  kept.set(github, known);
  return known;
}
