import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { oneLine } from '../../outside-text.ts';
import { createArguments } from '../arguments.ts';
import type { TicketStatus } from '../desk.ts';
import { tellTicket } from '../tell-ticket.ts';
import { ticket } from '../ticket-argument.ts';
import { reads, type ToolContext } from '../tool-context.ts';

const { offered, read } = createArguments({
  ticket: ticket.nullable().default(null).describe('left out: all that the user filed lately'),
});

export function registerTicketStatus(server: McpServer, { desk, answer }: ToolContext): void {
  server.registerTool(
    'ticket_status',
    {
      description: 'How Shipmate gets on with a ticket: its work, question and pull request.',
      inputSchema: offered,
      annotations: reads,
    },
    (args, request) =>
      answer(request, async (signal) => {
        const value = await desk.ticketStatus(read(args).ticket, signal);
        return { text: value.map(tellStatus).join('\n\n') || 'This user has filed nothing lately.', value };
      }),
  );
}

function tellStatus({ work, question, pullRequest, page, ...ticket }: TicketStatus): string {
  return [
    tellTicket(ticket),
    oneLine(work, 1_000),
    ...(question === null ? [] : [`It asks (comment_on_ticket answers): ${JSON.stringify(oneLine(question, 4_000))}`]),
    ...(pullRequest === null ? [] : [`Pull request: ${oneLine(pullRequest, 500)}`]),
    ...(page === null ? [] : [`All of it: ${oneLine(page, 500)}`]),
  ].join('\n');
}
