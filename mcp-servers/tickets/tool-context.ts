import type { CallToolResult, RequestMeta, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { Asked, Capture } from './capture.ts';
import { type TicketDesk, Unreachable } from './desk.ts';
import { type Said, type Sent, sentSchema, wireKey } from './wire.ts';

/** What a tool is registered with. */
export interface ToolContext {
  desk: TicketDesk;
  /** Adds to what was asked what can be found out. */
  complete(asked: Asked, signal: AbortSignal): Promise<Capture>;
  /**
   * Does the work of one call under the server's time limit. What `work` throws becomes an error result that the model reads.
   * `sent`: what a remote desk sends beside the arguments; {} where a model calls.
   */
  answer(request: ToolRequest, work: (signal: AbortSignal, sent: Sent) => Promise<Told>): Promise<CallToolResult>;
}

interface ToolRequest {
  signal: AbortSignal;
  _meta?: RequestMeta | undefined;
}

export interface Told {
  /** For the model. */
  text: string;
  /** The same for clients that show data instead of text, as several do: it must say all that the text says. */
  data?: Record<string, unknown>;
  /** As the desk said it, for a remote desk. */
  value: unknown;
}

export const reads: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false, // one tracker, the team's own; where it is true, Codex asks for each call, and refuses it in `codex exec`
};

/** It adds, and takes nothing away. */
export const writes: ToolAnnotations = { ...reads, readOnlyHint: false, idempotentHint: false };

interface ContextOptions extends Pick<ToolContext, 'desk' | 'complete'> {
  timeoutMs: number;
}

export function createToolContext({ desk, complete, timeoutMs }: ContextOptions): ToolContext {
  return {
    desk,
    complete,
    async answer({ signal: requested, _meta }, work) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const isRemote = _meta?.[wireKey] !== undefined;
      const aside = (said: Said) => (isRemote ? { _meta: { [wireKey]: said } } : {});
      try {
        const sent = readSent(_meta?.[wireKey]);
        const { text, data, value } = await work(AbortSignal.any([requested, deadline]), sent);
        return {
          content: [{ type: 'text', text }],
          ...(data ? { structuredContent: data } : {}),
          ...aside({ value }),
        };
      } catch (error) {
        if (requested.aborted) throw error;
        const text = deadline.aborted
          ? `There was no answer within ${timeoutMs / 1000} s. Look whether it is done (search_tickets) before you call it again.`
          : (error as Error).message;
        const unreachable = deadline.aborted || error instanceof Unreachable;
        return { content: [{ type: 'text', text }], isError: true, ...aside(unreachable ? { unreachable } : {}) };
      }
    },
  };
}

function readSent(meta: unknown): Sent {
  if (meta === undefined) return {};
  const read = sentSchema.safeParse(meta);
  if (read.success) return read.data;
  throw new Error('What your machine sends is of another version; bring shipmate there and here to the same one.');
}
