import type { Marking, MarkingBy } from '../../../core/marking.ts';
import type { Desks } from '../desks.ts';
import { personOf } from '../people.ts';
import { isSame } from '../states.ts';
import { type Change, labelsIn } from './change.ts';
import { findIssue, type IssueName } from './find-issue.ts';

/**
 * Labels and custom fields in an entry of an issue's history. Its id is the same in a webhook. null: none, or nobody knows which
 * entry it is.
 */
export function markingIn(entry: string | undefined, items: readonly Change[]): Marking | null {
  const without = (all: string[], others: string[]) => all.filter((each) => !others.some((own) => isSame(own, each)));
  const changed = items.filter(({ fieldId }) => fieldId === 'labels');
  const was = changed.flatMap(({ fromText }) => labelsIn(fromText));
  const is = changed.flatMap(({ toText }) => labelsIn(toText));
  const own = items.filter(({ fieldId, name }) => fieldId.startsWith('customfield_') && name !== '');
  if (entry === undefined || changed.length + own.length === 0) return null;
  return {
    key: entry,
    got: without(is, was),
    lost: without(was, is),
    fields: Object.fromEntries(own.map(({ name, to, toText }) => [name, toText ?? to ?? ''])),
  };
}

/** From the history, which says who it was. */
export async function readMarkings(
  desks: Desks,
  hint: IssueName,
  since: string,
  signal: AbortSignal,
): Promise<MarkingBy[]> {
  const { site, issue } = await findIssue(desks.sites, hint, { fields: ['summary'], expand: ['changelog'] }, signal);
  const own = await site.own(signal);
  return (issue.changelog?.histories ?? [])
    .flatMap(({ id, created: at, author, items }): MarkingBy[] => {
      const marking = Date.parse(at) > Date.parse(since) ? markingIn(id, items) : null;
      return marking ? [{ ...marking, at, by: personOf(author, own) }] : [];
    })
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
