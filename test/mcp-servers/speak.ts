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

/** Starts the git tool server the way a client of the given line of the SDK does, over pipes, and uses it. */
export async function speak(line: '1.x' | '2.x', server: StartedServer): Promise<Spoken> {
  const info = { name: 'test', version: '1' };
  if (line === '1.x') {
    const client = new ClientV1(info);
    await client.connect(new StdioV1(server));
    return use(client);
  }
  const client = new ClientV2(info, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StdioV2(server));
  return use(client);
}

async function use(client: ClientV1 | ClientV2): Promise<Spoken> {
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

async function show(client: ClientV1 | ClientV2, commit: string): Promise<{ text: string; isError: boolean }> {
  const result = await client.callTool({ name: 'show-commit', arguments: { commit } });
  const [content] = (result as { content: { type: string; text?: string }[] }).content;
  return { text: content?.text ?? '', isError: result.isError === true };
}
