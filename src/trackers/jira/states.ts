import type { StateCategory } from '../../core/ticket.ts';

/** A status as Jira tells of it. */
export interface StatusNode {
  id?: string | undefined;
  name?: string | undefined;
  statusCategory?: { key?: string | undefined } | undefined;
}

/** What people have said of their statuses, by name; letter case does not matter. */
export interface StatusNames {
  /** The status in which work is reviewed; null: its name tells. */
  review: string | null;
}

const calledOff =
  /\b(cancel\w*|won[’']?t (do|fix)|duplicate|rejected|declined|abandoned|obsolete|invalid|cannot reproduce)\b/i;

/**
 * Jira knows three kinds: to do, in progress and done. What is under review, put off or called off, names tell:
 * the status's, and the resolution's.
 */
export function categoryOf(
  status: StatusNode | null | undefined,
  { review }: StatusNames,
  resolution?: { name?: string | undefined } | null,
): StateCategory {
  const name = status?.name ?? '';
  switch (status?.statusCategory?.key) {
    case 'done':
      return calledOff.test(name) || calledOff.test(resolution?.name ?? '') ? 'canceled' : 'done';
    case 'indeterminate':
      return isReview(name, review) ? 'review' : 'started';
    case 'new':
      return /\bbacklog\b/i.test(name) ? 'backlog' : 'unstarted';
    // "undefined": a status that nobody has sorted in; nobody has decided anything.
    default:
      return 'backlog';
  }
}

function isReview(name: string, configured: string | null): boolean {
  return configured === null ? /\breview(s|ing)?\b/i.test(name) : isSame(name, configured);
}

/** Jira's names are the same in any letter case. */
export function isSame(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}
