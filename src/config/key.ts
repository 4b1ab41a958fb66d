import { z } from 'zod';
import { parseSize } from './size.ts';

/** What a person needs beside the schema itself; messages and the README's table are made from it. */
export interface Documentation {
  /** What is accepted, as a noun: "a whole number of at least 1". */
  accepts: string;
  meaning: string;
  /** How the default is shown where the value itself would not help. */
  shownDefault?: string;
}

export function key<T extends z.ZodType>(schema: T, accepts: string, meaning: string, shownDefault?: string): T {
  const documentation: Documentation = { accepts, meaning, ...(shownDefault === undefined ? {} : { shownDefault }) };
  return schema.meta({ ...documentation });
}

/** A part of the file. Written without anything in it (all its keys commented out), it is as if absent. */
export function section<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape)).prefault({});
}

export const size = z.unknown().transform((value, context) => {
  const bytes = parseSize(value);
  if (bytes === undefined) context.issues.push({ code: 'custom', input: value, message: 'not a size' });
  return bytes ?? 0;
});

export const modelSpec = /^[a-z][a-z0-9-]*:\S.*$/;
/** Where work is looked for and filed. */
export const trackerName = z.enum(['board', 'linear', 'github-issues']).default('board');
export const trackerNames = '`board`, `linear` or `github-issues`';
export const nonEmpty = z.string().trim().min(1);
export const atLeastOne = z.int().min(1);
export const limit = (schema: z.ZodNumber | z.ZodInt, byDefault: number | null) => schema.nullable().default(byDefault);
export const price = z.number().min(0);
