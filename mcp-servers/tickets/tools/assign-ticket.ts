import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createArguments } from '../arguments.ts';
import { ticket } from '../ticket-argument.ts';
import { type ToolContext, writes } from '../tool-context.ts';

const { offered, read } = createArguments({ ticket });

export function registerAssignTicket(server: McpServer, { desk, answer }: ToolContext): void {
  server.registerTool(
    'assign_ticket',
    {
      description:
        'Gives a ticket to Shipmate, the agent of the team, which begins at once. Only where the user asks for it.',
      inputSchema: offered,
      annotations: { ...writes, idempotentHint: true },
    },
    (args, request) =>
      answer(request, async (signal) => {
        const value = await desk.assignTicket(read(args).ticket, signal);
        return { text: value, value };
      }),
  );
}
