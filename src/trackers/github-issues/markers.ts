import type { z } from 'zod';

/*
 * What we write carries a mark that people do not see, by which it is found again. A mark counts only in what our own account
 * wrote: anybody may type one.
 */

/** `part`: of a text that is too long for one comment, which piece of it, from 2 on. */
export function markOf(operationId: string, part = 1): string {
  return `<!-- shipmate:${operationId}${part === 1 ? '' : `/${part}`} -->`;
}

export const statusMark = '<!-- shipmate:status -->';

const mark = /(?:\n\n)?<!-- shipmate:([\w-]{1,64})(?:\/(\d{1,4}))?(?: related:(\d{1,15}\/\d{1,10}))? -->\s*$/;

/** The mark that a text ends with; null: it has none. `related`: the id of the ticket that it was filed on. */
export function readMark(text: string): { id: string; part: number; related: string | null } | null {
  const [, id, part, related = null] = mark.exec(text) ?? [];
  return id === undefined ? null : { id, part: Number(part ?? 1), related };
}

export function withoutMark(text: string): string {
  return text.replace(mark, '');
}

export function relatedMark(operationId: string, related: string | null): string {
  return related === null ? markOf(operationId) : `<!-- shipmate:${operationId} related:${related} -->`;
}

/** JSON in a comment that people do not see; nothing in it can end the comment. */
export function hide(name: string, value: unknown): string {
  const json = JSON.stringify(value).replace(/[<>]/g, (sign) => (sign === '<' ? '\\u003c' : '\\u003e'));
  return `<!-- shipmate:${name} ${json} -->`;
}

/** What `hide` hid, if it is still what it was; null where somebody has changed it. */
export function unhide<T>(name: string, text: string, schema: z.ZodType<T>): T | null {
  const begin = `<!-- shipmate:${name} `;
  const from = text.lastIndexOf(begin);
  const to = text.indexOf(' -->', from);
  if (from === -1 || to === -1) return null;
  try {
    return schema.safeParse(JSON.parse(text.slice(from + begin.length, to))).data ?? null;
  } catch {
    return null;
  }
}
