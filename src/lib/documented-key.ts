import { z } from 'zod';

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

export const nonEmpty = z.string().trim().min(1);
export const atLeastOne = z.int().min(1);
export const limit = (schema: z.ZodNumber | z.ZodInt, byDefault: number | null) => schema.nullable().default(byDefault);
