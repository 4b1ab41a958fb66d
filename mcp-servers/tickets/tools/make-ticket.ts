import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createArguments } from '../arguments.ts';
import { askedShape } from '../capture.ts';
import { tellCapture, toldShape } from '../tell-capture.ts';
import { type ToolContext, writes } from '../tool-context.ts';

const seesClone = 'Branch, commit, changes, versions and the lines of places are added by themselves.';
const seesNone =
  'It sees no clone: give `repository` (owner/name of its remote), the `snippet` of each place, and branch, commit and versions in `notes`.';

const { offered, read } = createArguments(askedShape);

export function registerMakeTicket(
  server: McpServer,
  { desk, complete, answer }: ToolContext,
  hasClone: boolean,
): void {
  server.registerTool(
    'make_ticket',
    {
      description: `Files what the user reports as a ticket, or several, after a look for duplicates. Only where the user asks for it. ${hasClone ? seesClone : seesNone}`,
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
