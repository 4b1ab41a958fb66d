import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { TicketDesk } from '../../mcp-servers/tickets/desk.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** A person's desk as tools. What it is asked comes without a clone: whoever has one has found out more before. */
export async function serveTickets(desk: TicketDesk): Promise<McpServer> {
  // Loaded with the first request: no start waits for it.
  const { createTicketsServer } = await import('../../mcp-servers/tickets/server.ts');
  return createTicketsServer({
    desk,
    version,
    hasClone: false,
    complete: async (asked) => ({ ...asked, id: randomUUID(), checkout: null, environment: {}, client: null }),
  });
}
