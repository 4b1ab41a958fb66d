import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { TicketDesk } from '../../../mcp-servers/tickets/desk.ts';
import { createTicketsServer } from '../../../mcp-servers/tickets/server.ts';

export const token = 'shp_of-ada';

/** Answers in place of the service; true: it did. */
export type Trouble = (
  request: IncomingMessage,
  response: ServerResponse,
  method: string,
) => boolean | Promise<boolean>;

export interface TicketsService {
  url: string;
  /** Methods of the messages that came in. */
  methods: string[];
  trouble: Trouble | null;
  close(): Promise<void>;
}

/** A service with tickets and one person who may use it, over real HTTP; each message is served by itself. */
export async function startTicketsService(desk: TicketDesk, json = true): Promise<TicketsService> {
  const service: Omit<TicketsService, 'url' | 'close'> = { methods: [], trouble: null };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const message = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    service.methods.push(message.method ?? request.method);
    if (await service.trouble?.(request, response, message.method)) return;
    if (request.headers.authorization !== `Bearer ${token}`) {
      const error = { code: -32_001, message: 'This token was revoked.' };
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }));
      return;
    }
    const tools = createTicketsServer({
      desk,
      version: '1.2.3',
      hasClone: false,
      complete: async (asked) => ({ ...asked, id: randomUUID(), checkout: null, environment: {}, client: null }),
    });
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: json });
    response.once('close', () => tools.close());
    await tools.connect(transport as Parameters<McpServer['connect']>[0]);
    await transport.handleRequest(request, response, message);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return Object.assign(service, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  });
}
