import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { cutText } from '../../cut-text.ts';
import { cleanLines, markOthers } from '../../outside-text.ts';
import { createArguments } from '../arguments.ts';
import { tellTicket } from '../tell-ticket.ts';
import { ticket } from '../ticket-argument.ts';
import { reads, type ToolContext } from '../tool-context.ts';

const { offered, read } = createArguments({ ticket });

const limit = 24_000;

export function registerGetTicket(server: McpServer, { desk, answer }: ToolContext): void {
  server.registerTool(
    'get_ticket',
    { description: 'Reads one ticket, with what was said on it.', inputSchema: offered, annotations: reads },
    (args, request) =>
      answer(request, async (signal) => {
        const value = await desk.getTicket(read(args).ticket, signal);
        const text = cutText(cleanLines(value.text), { limit, narrow: 'open its URL', longestLine: 4_000 });
        return { text: `${tellTicket(value)}\n${markOthers(text)}`, value };
      }),
  );
}
