import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type CallToolRequest, type CallToolResult, McpError } from '@modelcontextprotocol/sdk/types.js';
import type * as z from 'zod';
import { askService } from './ask-service.ts';
import { type TicketDesk, Unreachable } from './desk.ts';
import { endpointOf, serviceOf } from './service-url.ts';
import { answers, type Sent, saidSchema, wireKey } from './wire.ts';

export interface RemoteDeskOptions {
  /** The service's address, as people know it; with or without `/mcp`. */
  url: string;
  /** A personal token. */
  token: string;
  /** Of one call, with all that belongs to it. */
  timeoutMs?: number;
}

/** A desk that asks the service. Keeps no connection between calls, so that nothing is left over when the service was away. */
export function createRemoteDesk({ url, token, timeoutMs = 30_000 }: RemoteDeskOptions): TicketDesk {
  const endpoint = endpointOf(url);
  const service = serviceOf(endpoint);

  async function call<Answer>(
    tool: { name: string; arguments: Record<string, unknown> },
    answer: z.ZodType<Answer>,
    signal: AbortSignal,
    sent: Sent = {},
  ): Promise<Answer> {
    signal.throwIfAborted();
    const deadline = AbortSignal.timeout(timeoutMs);
    const stop = AbortSignal.any([signal, deadline]);
    try {
      return read(await ask({ ...tool, _meta: { [wireKey]: sent } }, stop), answer);
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.aborted)
        throw new Unreachable(`Shipmate at ${service} did not answer within ${timeoutMs / 1000} s.`);
      throw error instanceof McpError ? new Error(error.message.replace(/^MCP error -?\d+: /, '')) : error;
    }
  }

  async function ask(params: CallToolRequest['params'], stop: AbortSignal) {
    const client = new Client({ name: 'shipmate', version: '1' });
    const transport = new StreamableHTTPClientTransport(endpoint, {
      fetch: askService(endpoint, stop),
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    });
    const options = { signal: stop, timeout: timeoutMs + 1_000 };
    try {
      // Its `sessionId` may be undefined, which the type of a transport does not say.
      await client.connect(transport as Parameters<typeof client.connect>[0], options);
      return (await client.callTool(params, undefined, options)) as CallToolResult;
    } finally {
      await client.close();
    }
  }

  function read<Answer>({ content, isError, _meta }: CallToolResult, answer: z.ZodType<Answer>): Answer {
    const said = saidSchema.safeParse(_meta?.[wireKey]).data;
    if (isError) {
      const text = content[0]?.type === 'text' ? content[0].text : '';
      const message = text || `Shipmate at ${service} could not do it, and does not say why.`;
      throw said?.unreachable ? new Unreachable(message) : new Error(message);
    }
    const value = answer.safeParse(said?.value);
    if (value.success) return value.data;
    throw new Error(`Shipmate at ${service} is of another version than here; bring both to the same one.`);
  }

  return {
    makeTicket({ id, checkout, environment, client, from, ...asked }, signal) {
      const tool = { name: 'make_ticket', arguments: asked };
      return call(tool, answers.makeTicket, signal, { id, capture: { checkout, environment, client, from } });
    },
    searchTickets: (words, limit, signal) =>
      call({ name: 'search_tickets', arguments: { words, limit } }, answers.searchTickets, signal),
    getTicket: (ticket, signal) => call({ name: 'get_ticket', arguments: { ticket } }, answers.getTicket, signal),
    assignTicket: (ticket, signal) => call({ name: 'assign_ticket', arguments: { ticket } }, answers.sentence, signal),
    commentOnTicket: ({ id, identifier, text }, signal) =>
      call({ name: 'comment_on_ticket', arguments: { ticket: identifier, text } }, answers.sentence, signal, { id }),
    ticketStatus: (ticket, signal) =>
      call({ name: 'ticket_status', arguments: { ticket } }, answers.ticketStatus, signal),
  };
}
