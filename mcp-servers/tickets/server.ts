import { readFile } from 'node:fs/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import type { Asked, Capture } from './capture.ts';
import type { TicketDesk } from './desk.ts';
import { createToolContext } from './tool-context.ts';
import { registerAssignTicket } from './tools/assign-ticket.ts';
import { registerCommentOnTicket } from './tools/comment-on-ticket.ts';
import { registerGetTicket } from './tools/get-ticket.ts';
import { registerMakeTicket } from './tools/make-ticket.ts';
import { registerSearchTickets } from './tools/search-tickets.ts';
import { registerTicketStatus } from './tools/ticket-status.ts';

export interface TicketsServerOptions {
  /** Of the person who is served. */
  desk: TicketDesk;
  version: string;
  /** Adds to what was asked what can be found out where this runs; on the service, only an id. */
  complete(asked: Asked, signal: AbortSignal): Promise<Capture>;
  /** Whether `complete` sees the clone that the person works in. */
  hasClone: boolean;
  /** Of one call. Below the 60 s after which clients give up. */
  timeoutMs?: number;
}

/** The tickets of a team as tools of one person, wherever they lie; and `/make-ticket` as a prompt. */
export function createTicketsServer({
  version,
  hasClone,
  timeoutMs = 50_000,
  ...options
}: TicketsServerOptions): McpServer {
  const server = new McpServer({ name: 'shipmate-tickets', version });
  const context = createToolContext({ ...options, timeoutMs });
  registerMakeTicket(server, context, hasClone);
  registerSearchTickets(server, context);
  registerGetTicket(server, context);
  registerAssignTicket(server, context);
  registerCommentOnTicket(server, context);
  registerTicketStatus(server, context);
  registerMakeTicketPrompt(server);
  return server;
}

function registerMakeTicketPrompt(server: McpServer): void {
  server.registerPrompt(
    'make_ticket',
    {
      title: 'Make a ticket',
      description: 'Files what came up as a ticket, so that you can go on.',
      argsSchema: { notes: z.string().optional().describe('title or notes') },
    },
    async ({ notes = '' }) => {
      const body = await readFile(new URL('make-ticket.md', import.meta.url), 'utf8');
      const text = body.replaceAll('$ARGUMENTS', () => notes);
      return { messages: [{ role: 'user', content: { type: 'text', text } }] };
    },
  );
}
