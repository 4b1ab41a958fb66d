import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { createArguments } from '../arguments.ts';
import { tellTicket } from '../tell-ticket.ts';
import { reads, type ToolContext } from '../tool-context.ts';

const { offered, read } = createArguments({
  words: z.string().trim().min(1).max(500),
  limit: z.int().min(1).max(50).default(10),
});

export function registerSearchTickets(server: McpServer, { desk, answer }: ToolContext): void {
  server.registerTool(
    'search_tickets',
    { description: 'Finds tickets that have these words.', inputSchema: offered, annotations: reads },
    (args, request) =>
      answer(request, async (signal) => {
        const { words, limit } = read(args);
        const value = await desk.searchTickets(words, limit, signal);
        const text = value.slice(0, limit).map(tellTicket).join('\n');
        return { text: text || 'No ticket has these words. Try fewer, or others.', value };
      }),
  );
}
