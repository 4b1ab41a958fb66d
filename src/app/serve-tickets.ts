import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { type TicketDesk, Unreachable } from '../../mcp-servers/tickets/desk.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';

/** A person's desk as tools. What it is asked comes without a clone: whoever has one has found out more before. */
export async function serveTickets(desk: TicketDesk): Promise<McpServer> {
  // Loaded with the first request: no start waits for it.
  const { createTicketsServer } = await import('../../mcp-servers/tickets/server.ts');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return createTicketsServer({
    desk: whileAway(desk),
    version,
    hasClone: false,
    complete: async (asked) => ({ ...asked, id: randomUUID(), checkout: null, environment: {}, client: null }),
  });
}

/** While the database is away nothing has arrived: clients keep it and send it again. */
function whileAway(desk: TicketDesk): TicketDesk {
  const explained = (error: unknown): never => {
    if (isDatabaseUnavailable(error))
      throw new Unreachable('The database of the service is away. Try again in a moment.');
    throw error;
  };
  return {
    makeTicket: (capture, signal) => desk.makeTicket(capture, signal).catch(explained),
    searchTickets: (words, limit, signal) => desk.searchTickets(words, limit, signal).catch(explained),
    getTicket: (identifier, signal) => desk.getTicket(identifier, signal).catch(explained),
    assignTicket: (identifier, signal) => desk.assignTicket(identifier, signal).catch(explained),
    commentOnTicket: (comment, signal) => desk.commentOnTicket(comment, signal).catch(explained),
    ticketStatus: (identifier, signal) => desk.ticketStatus(identifier, signal).catch(explained),
  };
}
