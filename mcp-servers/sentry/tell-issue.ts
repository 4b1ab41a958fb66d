import { oneLine } from '../outside-text.ts';
import type { Issue } from './answers.ts';
import { type BoundProject, nameOf } from './projects.ts';
import type { Written } from './written.ts';

/** What Sentry itself says of an issue: nothing in it is a stranger's. */
export function tellState(issue: Issue, project: BoundProject): string {
  const { status, substatus, statusDetails } = issue;
  const resolved = statusDetails?.inNextRelease
    ? ' in the next release'
    : statusDetails?.inRelease
      ? ' in a release'
      : '';
  return [
    `Issue ${shown(issue)} of ${nameOf(project)}: ${word(status)}${resolved}${substatus ? ` (${word(substatus)})` : ''}`,
    `${word(issue.level)}${issue.priority ? `, priority ${word(issue.priority)}` : ''}${issue.isUnhandled ? ', unhandled' : ''}`,
    tellCounts(issue),
  ].join('; ');
}

export function tellCounts({ count, userCount, firstSeen, lastSeen }: Issue): string {
  return `${many(count, 'event')}, ${many(userCount, 'user')}; first ${when(firstSeen)}, last ${when(lastSeen)}`;
}

/** Of a "24h" or "30d"; null: not known. */
export function eventsOf({ stats }: Issue, period: string): number | null {
  return stats?.[period]?.reduce((sum, [, count]) => sum + count, 0) ?? null;
}

export function many(count: string | number | null | undefined, word: string): string {
  return `${count ?? '?'} ${String(count) === '1' ? word : `${word}s`}`;
}

/** In a list, with what strangers wrote of it. */
export function tellBrief(issue: Issue, written: Written): string {
  const state = issue.substatus ?? issue.status;
  return [
    `${shown(issue)} [${word(issue.level)}, ${word(state)}] ${written.line(issue.title, 240)}`,
    `  ${written.line(issue.culprit, 160) || 'no culprit'}; ${tellCounts(issue)}; id ${word(issue.id)}`,
  ].join('\n');
}

export function shown({ shortId, id }: Issue): string {
  return oneLine(shortId ?? id, 120);
}

/** "2026-01-31 12:00:00", UTC. */
export function when(time: string | null | undefined): string {
  return time ? oneLine(time, 40).slice(0, 19).replace('T', ' ') : 'unknown';
}

export function word(text: string | null | undefined): string {
  return oneLine(text ?? 'unknown', 40);
}
