import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createArguments } from '../arguments.ts';
import { askedShape } from '../capture.ts';
import { tellCapture, toldShape } from '../tell-capture.ts';
import { type ToolContext, writes } from '../tool-context.ts';

const { offered, read } = createArguments(askedShape);

export function registerMakeTicket(server: McpServer, { desk, complete, answer }: ToolContext): void {
  server.registerTool(
    'make_ticket',
    {
      description:
        'Files what the user reports as a ticket, or several, after a look for duplicates. Only where the user asks for it. Branch, commit, changes and versions are added by themselves.',
      inputSchema: offered,
      outputSchema: toldShape,
      annotations: writes,
    },
    (args, request) =>
      answer(request, async (signal, { id, capture: gathered }) => {
        const asked = read(args);
        const capture = id !== undefined && gathered ? { ...asked, ...gathered, id } : await complete(asked, signal);
        const value = await desk.makeTicket(capture, signal);
        return { ...tellCapture(value), value };
      }),
  );
}
