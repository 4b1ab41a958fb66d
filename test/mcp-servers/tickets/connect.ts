import { Client as ClientV2, InMemoryTransport as InMemoryV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport as InMemoryV1 } from '@modelcontextprotocol/sdk/inMemory.js';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Capture } from '../../../mcp-servers/tickets/capture.ts';
import { createTicketsServer } from '../../../mcp-servers/tickets/server.ts';
import type { AnyClient } from '../speak.ts';
import { createRecordingDesk } from './recording-desk.ts';

export const gathered = { checkout: null, environment: { node: '24.1.0' }, client: 'Claude Code' };

/** The tools on a desk that remembers, with a client of the SDK in between. `complete` is counted on. */
export async function connectTickets(line: '1.x' | '2.x', options: { timeoutMs?: number } = {}) {
  const record = createRecordingDesk();
  let count = 0;
  const server = createTicketsServer({
    desk: record.desk,
    version: '1.2.3',
    hasClone: true,
    complete: async (asked): Promise<Capture> => ({ ...asked, ...gathered, id: idNumber(++count) }),
    ...options,
  });
  return { record, client: await connectInProcess(line, server) };
}

export function idNumber(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

async function connectInProcess(line: '1.x' | '2.x', server: McpServer): Promise<AnyClient> {
  const info = { name: 'test', version: '1' };
  if (line === '1.x') {
    const [ours, theirs] = InMemoryV1.createLinkedPair();
    const client = new ClientV1(info);
    await Promise.all([server.connect(ours), client.connect(theirs)]);
    return client;
  }
  const [ours, theirs] = InMemoryV2.createLinkedPair();
  const client = new ClientV2(info, { versionNegotiation: { mode: 'auto' } });
  await Promise.all([server.connect(ours as unknown as Parameters<McpServer['connect']>[0]), client.connect(theirs)]);
  return client;
}
