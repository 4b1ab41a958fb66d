import { z } from 'zod';

/*
 * What we write carries a property that people do not see, by which it is found again. It counts only in what our own account
 * wrote: whoever may edit a comment may set its properties.
 */

/** Of a comment that is one text's, or a part of one. */
export const commentMark = 'shipmate';
/** Of the status comment: all that it shows and knows. */
export const statusMark = 'shipmate-status';
/** Of an issue that we filed. */
export const issueMark = 'shipmate';

const written = z.object({ operation: z.string(), part: z.number() });
const filed = z.object({ operation: z.string() });

interface Marked {
  properties?: { key?: string | undefined; value?: unknown }[] | undefined;
}

export function propertyOf({ properties = [] }: Marked, key: string): unknown {
  return properties.find((property) => property.key === key)?.value;
}

/** By which operation a comment was written, and which piece of its text it is, from 1; null: it has no mark. */
export function readCommentMark(comment: Marked): z.output<typeof written> | null {
  return written.safeParse(propertyOf(comment, commentMark)).data ?? null;
}

/** By which operation an issue was filed; null: it has no mark. */
export function readIssueMark(properties: Record<string, unknown> | undefined): string | null {
  return filed.safeParse(properties?.[issueMark]).data?.operation ?? null;
}
