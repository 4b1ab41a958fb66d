import { cutText } from '../cut-text.ts';
import { cleanLines, oneLine } from '../outside-text.ts';
import type { EventUser } from './answers.ts';
import { createHider, isSensitive } from './hide-personal.ts';

/** How what strangers sent is shown: without what nobody sees, what looks like a secret, and what is a person's. */
export interface Written {
  /** In a line. */
  line(text: string | null | undefined, limit: number): string;
  /** Over several lines, each behind `indent`. */
  lines(text: string | null | undefined, limit: number, indent?: string): string;
  /** Any value: of maps the names, and what stands under those that are nobody's. */
  value(value: unknown, limit: number): string;
}

/** Each pattern goes over it, so not over more than may be shown. Between words, because half a secret is not known for one. */
function shorten(text: string, limit: number): string {
  const most = Math.min(20_000, 4 * limit + 2_000);
  if (text.length <= most) return text;
  const cut = text.slice(0, most).toWellFormed();
  const space = Math.max(cut.lastIndexOf(' '), cut.lastIndexOf('\n'));
  return space > most / 2 ? cut.slice(0, space) : cut;
}

export function createWritten(users: readonly (EventUser | null | undefined)[] = []): Written {
  const hide = createHider(users);
  const clean = (text: string, limit: number) => hide(cleanLines(shorten(text, limit)));
  const written: Written = {
    line: (text, limit) => oneLine(clean(text ?? '', limit), limit),
    lines(text, limit, indent = '') {
      const cut = cutText(clean(text ?? '', limit).trim(), { limit, narrow: 'open it in Sentry', longestLine: 600 });
      return cut.replace(/^/gm, indent);
    },
    value: (value, limit) => written.line(render(value, 0), limit),
  };
  return written;
}

const mostMembers = 20;
const mostDepth = 3;

function render(value: unknown, depth: number): string {
  if (typeof value === 'string') return shorten(value, 1_000);
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value);
  const more = members.length > mostMembers ? ', ...' : '';
  if (depth >= mostDepth) return Array.isArray(value) ? '[...]' : '{...}';
  const shown = members.slice(0, mostMembers).map(([name, member]) => {
    const told = isSensitive(name) ? '[hidden]' : render(member, depth + 1);
    return Array.isArray(value) ? told : `${name}: ${told}`;
  });
  return Array.isArray(value) ? `[${shown.join(', ')}${more}]` : `{${shown.join(', ')}${more}}`;
}

/** A text that is no longer in UTF-8 than `limit`. Keeps head and tail. */
export function cutBytes(text: string, limit: number, narrow: string): string {
  let cut = cutText(text, { limit, narrow, longestLine: 700 });
  for (let part = 0.9; Buffer.byteLength(cut) > limit; part *= 0.75)
    cut = cutText(text, { limit: limit * part * (cut.length / Buffer.byteLength(cut)), narrow, longestLine: 700 });
  return cut;
}
