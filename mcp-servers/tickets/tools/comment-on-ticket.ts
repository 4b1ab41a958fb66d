import { randomUUID } from 'node:crypto';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { createArguments } from '../arguments.ts';
import { ticket } from '../ticket-argument.ts';
import { type ToolContext, writes } from '../tool-context.ts';

const { offered, read } = createArguments({ ticket, text: z.string().min(1).max(60_000).describe('Markdown') });

export function registerCommentOnTicket(server: McpServer, { desk, answer }: ToolContext): void {
  server.registerTool(
    'comment_on_ticket',
    {
      description: "Comments on a ticket in the user's name; Shipmate reads it, where it has the ticket.",
      inputSchema: offered,
      annotations: writes,
    },
    (args, request) =>
      answer(request, async (signal, { id = randomUUID() }) => {
        const { ticket: identifier, text } = read(args);
        const value = await desk.commentOnTicket({ id, identifier, text }, signal);
        return { text: value, value };
      }),
  );
}
