import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { GitRepository } from './repository.ts';

/** What a tool is registered with. */
export interface ToolContext {
  repository: GitRepository;
  /**
   * Does the work of one call under the server's time limit, and makes its text the result. What `work` throws becomes an
   * error result that the model reads.
   */
  answer(requested: AbortSignal, work: (signal: AbortSignal) => Promise<string>): Promise<CallToolResult>;
}

export const readOnly: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/**
 * Arguments that several tools have. They say as little as possible, because each word is sent with every request of an
 * agent. A model that has nothing to say in an optional text often writes an empty one.
 */
export const argument = {
  text: z
    .string()
    .optional()
    .transform((text) => text || undefined),
  paths: z.array(z.string()).min(1).max(10),
  limit: z.int().min(1).max(100).optional(),
};

interface AnswerOptions {
  repository: GitRepository;
  timeoutMs: number;
}

export function createToolContext({ repository, timeoutMs }: AnswerOptions): ToolContext {
  return {
    repository,
    async answer(requested, work) {
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        const found = await work(AbortSignal.any([requested, deadline]));
        const cut = (await repository.isShallow(requested))
          ? '\n(This clone is shallow: what is older than its oldest commit is not here.)'
          : '';
        return { content: [{ type: 'text', text: `${found.trimEnd()}${cut}` }] };
      } catch (error) {
        if (!deadline.aborted || requested.aborted) throw error;
        throw new Error(`git took longer than ${timeoutMs / 1000} s; ask for less: a path, a range, a younger ref.`);
      }
    },
  };
}
