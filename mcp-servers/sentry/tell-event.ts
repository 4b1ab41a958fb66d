import type { Breadcrumb, Event } from './answers.ts';
import * as answers from './answers.ts';
import { isSensitive } from './hide-personal.ts';
import { readTrace, tellTrace } from './tell-frames.ts';
import { when, word } from './tell-issue.ts';
import type { Written } from './written.ts';

/** The parts of an event, in the order in which they are shown, with what each may take of a result. */
export const parts = { exception: 8_000, message: 600, request: 900, breadcrumbs: 2_200, tags: 900, contexts: 900 };
export type Part = keyof typeof parts;

/** '': the event has none. */
export const tellPart: Record<Part, (event: Event, written: Written, isWhole: boolean) => string> = {
  exception: (event, written) => tellTrace(readTrace(event), written),

  message(event, written) {
    const said = answers.message.safeParse(entry(event, 'message')).data;
    return written.lines(said?.formatted ?? said?.message ?? event.message, 2_000, '  ');
  },

  request(event, written) {
    const asked = answers.request.safeParse(entry(event, 'request')).data;
    if (!asked) return '';
    const query = Array.isArray(asked.query) ? asked.query.map((pair) => (Array.isArray(pair) ? pair : [])) : [];
    const names = query.map(([name]) => written.line(String(name ?? ''), 60)).filter((name) => name !== '');
    const headers = asked.headers.filter(([name]) => shownHeaders.has(name.toLowerCase()));
    const hidden = asked.headers.length - headers.length;
    return [
      `  ${word(asked.method ?? 'request')} ${written.line(asked.url, 300)}`,
      ...(names.length > 0 ? [`  query: ${names.join(', ')} (values not shown)`] : []),
      ...headers.map(([name, value]) => `  ${written.line(name, 60)}: ${written.line(value, 200)}`),
      ...(hidden > 0 ? [`  (${hidden} more headers are not shown)`] : []),
      ...(asked.data == null ? [] : [`  body: ${shapeOf(asked.data, written, 0)}`]),
    ].join('\n');
  },

  breadcrumbs(event, written, isWhole) {
    const { values = [] } = answers.breadcrumbs.safeParse(entry(event, 'breadcrumbs')).data ?? {};
    const most = isWhole ? 60 : 15;
    const newest = values.slice(-most).toReversed();
    const told = newest.map((crumb) => tellBreadcrumb(crumb, written));
    const older = values.length - newest.length;
    return [...told, ...(older > 0 ? [`  ... ${older} older`] : [])].join('\n');
  },

  tags(event, written) {
    const shown = event.tags.slice(0, 60).map(({ key, value }) => {
      return `${written.line(key, 60)}=${isSensitive(key) ? '[hidden]' : written.line(value, 120)}`;
    });
    return shown.length === 0 ? '' : `  ${shown.join('; ')}`;
  },

  contexts(event, written) {
    const all = { ...event.contexts, ...(event.context ? { extra: event.context } : {}) };
    const named = Object.entries(all).filter(([name]) => name !== 'trace' && !isSensitive(name));
    return named
      .filter(([, value]) => typeof value === 'object' && value !== null && Object.keys(value).length > 0)
      .slice(0, 12)
      .map(([name, value]) => `  ${written.line(name, 60)}: ${written.value(value, 300)}`)
      .join('\n');
  },
};

/** Those that tell nothing of a person, and how to ask again. */
const shownHeaders = new Set(['accept', 'content-length', 'content-type', 'host', 'user-agent', 'x-requested-with']);

export function entry(event: Event, type: string): unknown {
  return event.entries.find((each) => each.type === type)?.data;
}

function tellBreadcrumb({ timestamp, category, level, message, data }: Breadcrumb, written: Written): string {
  const at = typeof timestamp === 'number' ? new Date(timestamp * 1_000).toISOString() : timestamp;
  const loud = level && level !== 'info' ? ` [${written.line(level, 20)}]` : '';
  const more = data && Object.keys(data).length > 0 ? ` ${written.value(data, 200)}` : '';
  return `  ${when(at).slice(11) || '?'} ${written.line(category, 60) || '?'}${loud} ${written.line(message, 240)}${more}`;
}

/** Names and kinds of what was sent: what it says is a person's. */
function shapeOf(value: unknown, written: Written, depth: number): string {
  if (Array.isArray(value))
    return `list of ${value.length}${value.length > 0 ? `: ${shapeOf(value[0], written, depth + 1)}` : ''}`;
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  if (depth > 3) return 'map';
  const members = Object.entries(value).slice(0, 20);
  return `{${members.map(([name, inner]) => `${written.line(name, 60)}: ${shapeOf(inner, written, depth + 1)}`).join(', ')}}`;
}
