import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';

export interface StartedServer {
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
}

export interface Spoken {
  server: string | undefined;
  tools: string[];
  /** Of `show-commit HEAD`. */
  commit: string;
  /** Of a commit that does not exist. */
  failure: { text: string; isError: boolean };
}

export type AnyClient = ClientV1 | ClientV2;

/** Of the protocol; 1.x ends with the first. */
export type Revision = '2025-11-25' | '2026-07-28';

/** Starts a tool server the way a client of the given line of the SDK does, over pipes: in the newest revision that both know. */
export async function connectTo(
  line: '1.x' | '2.x',
  server: StartedServer,
  revision: Revision = '2026-07-28',
): Promise<AnyClient> {
  const info = { name: 'test', version: '1' };
  if (line === '1.x') {
    const client = new ClientV1(info);
    await client.connect(new StdioV1(server));
    return client;
  }
  const mode = revision === '2026-07-28' ? 'auto' : 'legacy';
  const client = new ClientV2(info, { versionNegotiation: { mode } });
  await client.connect(new StdioV2(server));
  return client;
}

/** The same with the git tool server, and uses it. */
export async function speak(line: '1.x' | '2.x', server: StartedServer): Promise<Spoken> {
  return use(await connectTo(line, server));
}

async function use(client: AnyClient): Promise<Spoken> {
  try {
    const { tools } = await client.listTools();
    return {
      server: client.getServerVersion()?.name,
      tools: tools.map(({ name }) => name),
      commit: (await show(client, 'HEAD')).text,
      failure: await show(client, 'no-such-branch'),
    };
  } finally {
    await client.close();
  }
}

function show(client: AnyClient, commit: string): Promise<{ text: string; isError: boolean }> {
  return callTool(client, 'show-commit', { commit });
}

export async function callTool(
  client: AnyClient,
  name: string,
  args: Record<string, unknown>,
): Promise<{ text: string; isError: boolean }> {
  const result = await client.callTool({ name, arguments: args });
  const [content] = (result as { content: { type: string; text?: string }[] }).content;
  return { text: content?.text ?? '', isError: result.isError === true };
}
