import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { grouped } from '../core/cut-text.ts';
import type { ListedTool } from '../core/tool-server.ts';
import { orAborted } from '../lib/abort.ts';

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
  /** As of the last look: when it came up, or when it last said that its list changed and somebody called. */
  tools(signal: AbortSignal): Promise<ListedTool[]>;
  /** Throws when the server answers with a protocol error, ends, or does not answer in time; then it is cut off. */
  call(tool: string, input: Record<string, unknown>, signal: AbortSignal): Promise<CallToolResult>;
  /** Resolves with the reason when the connection is gone, whoever ended it. */
  closed: Promise<string>;
  /** Whether `closed` is settled. */
  isClosed(): boolean;
  /** Cuts it off: a process is killed. */
  close(reason: string): Promise<void>;
}

/** What a link tells while it carries messages. */
export interface Gauge {
  /** Called with the length of what comes, before it is kept. False: there is no room left; it must not be kept. */
  takes(bytes: number): boolean;
  /** Called for each message, also for what is none. False: it must not be delivered. */
  counts(): boolean;
  /** The other side is gone. */
  ends(reason: string): void;
}

/** A way to a server. `close` cuts it off, and resolves when nothing of it is left. */
export interface Link {
  transport: Transport;
  close(): Promise<void>;
}

const mostPages = 20;
const mostTools = 500;
/** To one request of ours: each costs the whole service a piece of its time. */
const mostMessages = 2_000;
const longestReason = 1_000;

/** Speaks MCP over a link. Throws when the server does not come up; it is cut off then. */
export async function connectMcp(open: (gauge: Gauge) => Promise<Link>, limits: McpLimits): Promise<McpClient> {
  // Loaded here because it takes a tenth of a second, which no ticket should wait for before its first model request.
  const [{ Client }, types] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  const { promise: closed, resolve: settle } = Promise.withResolvers<string>();
  let room = limits.maxBytes;
  let messages = 0;
  let isOpen = true;

  const link = await open({
    takes(bytes) {
      room -= bytes;
      if (isOpen && room < 0)
        void close(`it wrote more than ${Math.round(limits.maxBytes / 100_000) / 10} MB to one request`);
      return isOpen;
    },
    counts() {
      messages += 1;
      if (isOpen && messages > mostMessages)
        void close(`it sent more than ${grouped(mostMessages)} messages to one request`);
      return isOpen;
    },
    ends: (reason) => void close(reason),
  });
  async function close(reason: string): Promise<void> {
    if (isOpen) {
      isOpen = false;
      settle(reason.slice(0, longestReason).toWellFormed());
      outer.onclose?.();
    }
    await link.close();
  }
  const { transport } = link;
  const outer: Transport = {
    async start() {
      transport.onmessage = (message) => {
        if (isOpen) outer.onmessage?.(message);
      };
      await transport.start();
    },
    async send(message, options) {
      // Only a request of ours: a server could call for answers without end.
      if ('method' in message && 'id' in message) {
        room = limits.maxBytes;
        messages = 0;
      }
      await transport.send(message, options);
    },
    // The SDK closes what did not come up; that is done below, with the reason.
    async close() {},
    setProtocolVersion: (version) => transport.setProtocolVersion?.(version),
  };

  const client = new Client({ name: 'shipmate', version: '1' });
  let isStale = false;
  client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => {
    isStale = true;
  });

  async function list(asking: AbortSignal, timeout: number): Promise<ListedTool[]> {
    const signal = AbortSignal.any([asking, AbortSignal.timeout(timeout)]); // of all pages together
    const tools: ListedTool[] = [];
    let cursor: string | undefined;
    isStale = false; // what changes while it is read is read again
    for (let page = 1; ; page++) {
      if (page > mostPages) throw new Error(`its list of tools has more than ${mostPages} pages`);
      const params = cursor === undefined ? {} : { cursor };
      const listed = await client.request({ method: 'tools/list', params }, types.ListToolsResultSchema, {
        timeout,
        signal,
      });
      for (const { name, description = '', inputSchema, annotations } of listed.tools) {
        const { readOnlyHint, destructiveHint } = annotations ?? {};
        const changes = readOnlyHint === false || (destructiveHint === true && readOnlyHint !== true);
        tools.push({ name, description, inputSchema, ...(changes && { changes }) });
      }
      if (tools.length > mostTools) throw new Error(`it has more than ${mostTools} tools`);
      cursor = listed.nextCursor;
      if (cursor === undefined) return tools;
    }
  }

  /** What it throws is the reason why the server is gone, where it is. */
  async function asked<T>(request: Promise<T>, timeout: number, signal: AbortSignal): Promise<T> {
    request.catch(() => {}); // what comes after the end of the server says less than why it ended
    const ended = closed.then((reason) => Promise.reject(new Error(reason)));
    try {
      return await Promise.race([ended, request]);
    } catch (error) {
      signal.throwIfAborted();
      if (isTimeout(error)) await close(`it did not answer within ${timeout / 1000} s`);
      // It answered that it will not; whatever else went wrong, the connection is of no use any more.
      else if (isOpen && !(error instanceof types.McpError)) await close((error as Error).message);
      throw isOpen ? error : new Error(await closed);
    }
  }

  const starting = AbortSignal.timeout(limits.startMs);
  try {
    // The SDK waits without end for a server to take the notice that ends the introduction.
    await orAborted(client.connect(outer, { timeout: limits.startMs, signal: starting }), starting);
    let tools = await list(starting, limits.startMs);
    return {
      version: client.getServerVersion()?.version ?? 'unknown',
      closed,
      isClosed: () => !isOpen,
      close,
      async tools(signal) {
        if (isStale) tools = await asked(list(signal, limits.callMs), limits.callMs, signal);
        return tools;
      },
      call(name, input, signal) {
        const params = { name, arguments: input };
        const options = { timeout: limits.callMs, signal };
        const request = client.request({ method: 'tools/call', params }, types.CallToolResultSchema, options);
        return asked(request, limits.callMs, signal);
      },
    };
  } catch (error) {
    const isLate = isTimeout(error) || starting.aborted;
    await close(isLate ? `it did not answer within ${limits.startMs / 1000} s` : (error as Error).message);
    throw new Error(await closed);
  }
}

/** What the SDK throws when a request got no answer in time. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === -32001;
}
