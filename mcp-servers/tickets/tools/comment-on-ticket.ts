import { randomUUID } from 'node:crypto';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { createArguments } from '../arguments.ts';
import { ticket } from '../ticket-argument.ts';
import { type ToolContext, writes } from '../tool-context.ts';

const { offered, read } = createArguments({ ticket, text: z.string().min(1).max(60_000).describe('Markdown') });

export function registerCommentOnTicket(server: McpServer, { desk, answer }: ToolContext): void {
  /** Of comments that failed: the answer alone may be lost, and called again it must not be said twice. */
  const failed = new Map<string, string>();

  server.registerTool(
    'comment_on_ticket',
    {
      description: "Comments on a ticket in the user's name; Shipmate reads it, where it has the ticket.",
      inputSchema: offered,
      annotations: writes,
    },
    (args, request) =>
      answer(request, async (signal, sent) => {
        const { ticket: identifier, text } = read(args);
        const said = JSON.stringify([identifier, text]);
        const id = sent.id ?? failed.get(said) ?? randomUUID();
        failed.set(said, id);
        const value = await desk.commentOnTicket({ id, identifier, text }, signal);
        failed.delete(said);
        return { text: value, value };
      }),
  );
}
