import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { markOthers } from './outside-text.ts';

/** What a tool says, and what others have written. */
export interface Told {
  head: string;
  others: string;
  foot?: string;
}

/**
 * Does the work of one call under the server's time limit, and makes its text the result. What `work` throws becomes an
 * error result that the model reads.
 */
export type AnswerCall = (
  requested: AbortSignal,
  work: (signal: AbortSignal) => Promise<Told>,
) => Promise<CallToolResult>;

/** Of a tool that reads what is kept elsewhere. */
export const readOnly: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: true,
};

/** Characters of what others have written, in one result: with what is said of it, it stays under 16 kB. */
export const othersLimit = 13_500;

/** A model that has nothing to say in an optional text often writes an empty one. */
export const optionalText = z
  .string()
  .optional()
  .transform((text) => text || undefined);

/** `vendor`: whom a call waits for, as people call it. */
export function createAnswerCall({ vendor, timeoutMs }: { vendor: string; timeoutMs: number }): AnswerCall {
  return async (requested, work) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const answered = new AbortController(); // ends a download that nobody reads on
    try {
      const { head, others, foot } = await work(AbortSignal.any([requested, deadline, answered.signal]));
      const parts = [head, ...(others === '' ? [] : [markOthers(others)]), ...(foot ? [foot] : [])];
      return { content: [{ type: 'text', text: parts.join('\n') }] };
    } catch (error) {
      if (!deadline.aborted || requested.aborted) throw error;
      throw new Error(`${vendor} took longer than ${timeoutMs / 1000} s. Try again in a minute, or ask for less.`);
    } finally {
      answered.abort();
    }
  };
}
