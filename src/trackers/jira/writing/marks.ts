import { z } from 'zod';
import { insideKey, markKey } from '../markers.ts';

const written = z.object({ operation: z.string(), part: z.number() });
const filed = z.object({ operation: z.string() });

interface Marked {
  properties?: { key?: string | undefined; value?: unknown }[] | undefined;
}

export function markOf<Value>(value: Value): { key: string; value: Value }[] {
  return [{ key: markKey, value }];
}

/** The same of a comment, which is for the team. */
export function commentMarkOf(value: unknown): { key: string; value: unknown }[] {
  return [...markOf(value), { key: insideKey, value: { internal: true } }];
}

/** What a comment's mark says; undefined: it has none. It counts only in what our own account wrote. */
export function markIn({ properties = [] }: Marked): unknown {
  return properties.find(({ key }) => key === markKey)?.value;
}

/** By which operation a comment was written, and which piece of its text it is, from 1; null: it has no such mark. */
export function readCommentMark(comment: Marked): z.output<typeof written> | null {
  return written.safeParse(markIn(comment)).data ?? null;
}

/** By which operation an issue was filed; null: it has no mark. */
export function readIssueMark(properties: Record<string, unknown> | undefined): string | null {
  return filed.safeParse(properties?.[markKey]).data?.operation ?? null;
}
