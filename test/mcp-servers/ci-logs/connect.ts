import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { type CiLogsServerOptions, createCiLogsServer } from '../../../mcp-servers/ci-logs/server.ts';

export interface CiLogsClient {
  client: Client;
  /** The text of a result; throws when it is an error result. */
  call(tool: string, args: Record<string, unknown>): Promise<string>;
  /** The text of an error result; throws when it is none. */
  fail(tool: string, args: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

/** The tools of a repository, with a client of the SDK in between. */
export async function connectCiLogs(options: Omit<CiLogsServerOptions, 'version'>): Promise<CiLogsClient> {
  const server = createCiLogsServer({ version: '1.2.3', ...options });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'test', version: '1' });
  await Promise.all([server.connect(ours), client.connect(theirs)]);
  const ask = async (name: string, args: Record<string, unknown>) => {
    const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
    const [content] = result.content;
    return { text: content?.type === 'text' ? content.text : '', isError: result.isError === true };
  };
  return {
    client,
    async call(tool, args) {
      const { text, isError } = await ask(tool, args);
      if (isError) throw new Error(`${tool} failed: ${text}`);
      return text;
    },
    async fail(tool, args) {
      const { text, isError } = await ask(tool, args);
      if (!isError) throw new Error(`${tool} succeeded: ${text}`);
      return text;
    },
    close: () => client.close(),
  };
}
