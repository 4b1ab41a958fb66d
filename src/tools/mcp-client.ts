import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult, JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { grouped } from '../core/cut-text.ts';
import type { ToolSpec } from '../core/tool.ts';
import type { SandboxProcess } from '../sandboxes/sandbox.ts';

export type { CallToolResult };

export interface McpLimits {
  /** From the first byte sent to the list of tools. */
  startMs: number;
  callMs: number;
  /** What a server may write between one request of ours and the next; also its longest message. */
  maxBytes: number;
}

/** A server that answered `initialize`. */
export interface McpClient {
  version: string;
  tools: ToolSpec[];
  /** Throws when the server answers with a protocol error, ends, or does not answer in time; then its process is killed. */
  call(tool: string, input: Record<string, unknown>, signal: AbortSignal): Promise<CallToolResult>;
  /** Resolves with the reason when the connection is gone, whoever ended it. */
  closed: Promise<string>;
  /** Kills the process. */
  close(reason: string): Promise<void>;
}

const mostPages = 20;
/** To one request of ours: each costs the whole service a piece of its time. */
const mostMessages = 2_000;

/** Speaks MCP to a process over its stdio. Throws when it does not come up; the process is killed then. */
export async function connectMcp(process: SandboxProcess, limits: McpLimits): Promise<McpClient> {
  // Loaded here because it takes a tenth of a second, which no ticket should wait for before its first model request.
  const [{ Client }, { ReadBuffer, serializeMessage }, types] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/shared/stdio.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  const { promise: closed, resolve: settle } = Promise.withResolvers<string>();
  const buffer = new ReadBuffer({ maxBufferSize: limits.maxBytes });
  let room = limits.maxBytes;
  let messages = 0;
  let lastWords = '';

  let open = true;
  const close = async (reason: string) => {
    if (open) {
      open = false;
      settle(reason);
      transport.onclose?.();
    }
    await process.kill();
  };
  const hasRoomFor = (chunk: Buffer) => {
    room -= chunk.length;
    if (open && room < 0) void close(`it wrote more than ${limits.maxBytes / 1_000_000} MB to one request`);
    return open;
  };
  const transport: Transport = {
    async start() {
      process.stdout.on('data', (chunk: Buffer) => {
        if (!hasRoomFor(chunk)) return;
        try {
          buffer.append(chunk);
        } catch (error) {
          void close((error as Error).message);
        }
        while (open && deliverNext());
      });
      process.stderr.on('data', (chunk: Buffer) => {
        if (hasRoomFor(chunk)) lastWords = (lastWords + chunk.toString('utf8')).slice(-1_000);
      });
      process.stdout.resume();
      process.stderr.resume();
      process.stdin.on('error', () => {}); // it has ended; `exited` tells
      void process.exited.then(async (code) => {
        const read = Promise.allSettled([finished(process.stdout), finished(process.stderr)]);
        await Promise.race([read, delay(500, undefined, { ref: false })]);
        const words = lastWords.trim();
        await close(`it ended${code === null ? '' : ` with exit code ${code}`}${words ? `, saying: ${words}` : ''}`);
      });
    },
    async send(message) {
      // Only a request of ours: a server could call for answers without end.
      if ('method' in message && 'id' in message) {
        room = limits.maxBytes;
        messages = 0;
      }
      process.stdin.write(serializeMessage(message));
    },
    // The SDK closes what did not come up; that is done below, with the reason.
    async close() {},
  };
  function deliverNext(): boolean {
    messages += 1;
    if (messages > mostMessages) void close(`it sent more than ${grouped(mostMessages)} messages to one request`);
    let message: JSONRPCMessage | null;
    try {
      message = buffer.readMessage();
    } catch {
      return true; // a line that is no message: servers print to stdout by mistake
    }
    if (message) transport.onmessage?.(message);
    return message !== null;
  }

  const client = new Client({ name: 'shipmate', version: '1' });
  const starting = AbortSignal.timeout(limits.startMs);
  const patience = { timeout: limits.startMs, signal: starting };
  try {
    await client.connect(transport, patience);
    const tools: ToolSpec[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const listed = await client.request({ method: 'tools/list', params }, types.ListToolsResultSchema, patience);
      for (const { name, description = '', inputSchema } of listed.tools)
        tools.push({ name, description, inputSchema });
      cursor = listed.nextCursor;
      if (cursor === undefined) break;
    }
    return {
      version: client.getServerVersion()?.version ?? 'unknown',
      tools,
      closed,
      close,
      async call(name, input, signal) {
        const params = { name, arguments: input };
        const options = { timeout: limits.callMs, signal };
        const answer = client.request({ method: 'tools/call', params }, types.CallToolResultSchema, options);
        answer.catch(() => {}); // what comes after the end of the server says less than why it ended
        const ended = closed.then((reason) => Promise.reject(new Error(reason)));
        try {
          return await Promise.race([ended, answer]);
        } catch (error) {
          signal.throwIfAborted();
          if (isTimeout(error)) await close(`it did not answer within ${limits.callMs / 1000} s`);
          throw open ? error : new Error(await closed);
        }
      },
    };
  } catch (error) {
    await close(isTimeout(error) ? `it did not answer within ${limits.startMs / 1000} s` : (error as Error).message);
    throw new Error(await closed);
  }
}

/** What the SDK throws when a request got no answer in time. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === -32001;
}
