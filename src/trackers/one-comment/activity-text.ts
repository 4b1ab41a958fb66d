import type { Activity } from '../../core/activity.ts';
import { inline } from '../../core/markdown.ts';
import { addSaid, type Status } from './status.ts';

/** What is said where the agent took a ticket by itself. */
export const taken = 'I take this ticket: nobody had it.';

/** People are told of these; all else is shown in the status comment. */
export function isOwnComment({ type }: Activity): boolean {
  return type === 'elicitation' || type === 'response' || type === 'error';
}

export function isPassing(activity: Activity): boolean {
  return 'ephemeral' in activity && activity.ephemeral === true;
}

/** A comment's text. So that people can name an option in a comment, each of several has a number. */
export function textOf(activity: Activity): string {
  if (activity.type === 'action') return activity.action;
  const options = activity.type === 'elicitation' ? (activity.options ?? []) : [];
  const body = activity.body.trim() === '' ? '(empty)' : activity.body;
  if (options.length === 0) return body;
  const mark = (index: number) => (options.length === 1 ? '-' : `${index + 1}.`);
  return `${body}\n\n${options.map((option, index) => `${mark(index)} ${inline(option, 1_000)}`).join('\n')}`;
}

/** What the status comment says of a comment; `url`: null where that is only about to be written. */
export function pointer({ type }: Activity, url: string | null): string {
  const to = (words: string) => (url === null ? words : `[${words}](${url})`);
  if (type === 'elicitation') return `I wait for an answer to ${to('my question')}.`;
  return type === 'error' ? `See ${to('what went wrong')}.` : `See ${to('my answer')}.`;
}

/** In the status comment. */
export function show(status: Status, activity: Activity): void {
  const text = activity.type === 'action' ? lineOf(activity) : activity.body;
  if (!isPassing(activity)) addSaid(status, new Date().toISOString(), text);
  else status.now = activity.type === 'action' ? text : inline(text, 500);
}

function lineOf({ action, parameter, result }: Activity & { type: 'action' }): string {
  const line = `${inline(action, 200)} ${inline(parameter, 300)}`.trim();
  return result === undefined ? line : `${line}: ${inline(result, 500)}`;
}
