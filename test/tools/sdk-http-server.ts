import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import * as z from 'zod';

export interface SdkHttp {
  url: string;
  /** Gives it one tool more, and tells who listens. */
  grow(): void;
  /** Forgets its sessions, as one does that was started again. */
  forget(): void;
  close(): Promise<void>;
}

/** A tool server as the SDK makes it: with sessions, answers as streams of events, and a stream that tells of changes. */
export async function startSdkHttp(): Promise<SdkHttp> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const serversMade: McpServer[] = [];

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    const server = new McpServer({ name: 'sdk', version: '3.0' });
    server.registerTool('add', { inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }) => ({
      content: [{ type: 'text', text: String(a + b) }],
    }));
    serversMade.push(server);
    await server.connect(transport as Transport);
    return transport;
  }

  const http = createServer(async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : await open();
    if (known) await known.handleRequest(request, response);
    else response.writeHead(404).end('Session not found');
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    grow() {
      for (const server of serversMade)
        server.registerTool('subtract', {}, async () => ({ content: [{ type: 'text', text: '0' }] }));
    },
    forget: () => sessions.clear(),
    async close() {
      for (const server of serversMade) await server.close();
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}
