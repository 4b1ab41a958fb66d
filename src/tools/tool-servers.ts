import { createHash } from 'node:crypto';
import { grouped } from '../core/cut-text.ts';
import { cleanLine, cleanText, markOutside } from '../core/outside-text.ts';
import type { JsonSchema, Tool, ToolResult, ToolSpec } from '../core/tool.ts';
import type { Sandbox, SandboxDriver, SandboxSpec } from '../sandboxes/sandbox.ts';
import { failure } from './define-tool.ts';
import { type CallToolResult, connectMcp, type McpClient, type McpLimits } from './mcp-client.ts';
import { cutOutput } from './output-text.ts';

/** A program that offers tools over MCP, with all that it may see. Two that are equal share one process. */
export interface ToolServer {
  name: string;
  argv: string[];
  sandbox: SandboxSpec;
  /** Tools that are offered to the agent, by the server's names; null: all. */
  tools: string[] | null;
  /** Those that change nothing. The server's own word on that is not taken. */
  readOnly: string[];
}

/** A server's tools as they were when it was first seen. */
export interface PinnedTools {
  version: string;
  hash: string;
  tools: ToolSpec[];
}

export interface ToolServersOptions {
  driver: Pick<SandboxDriver, 'open'>;
  pins: { load(server: string): Promise<PinnedTools | null>; save(server: string, pinned: PinnedTools): Promise<void> };
  limits?: Partial<McpLimits & { idleMs: number }>;
}

export interface ToolServers {
  /**
   * The tools of these servers, from their pinned lists: a server is only started for this when it has never been seen. One
   * that cannot be is left out and named in `problems`.
   */
  tools(servers: ToolServer[]): Promise<{ tools: Tool[]; problems: string[] }>;
  /** Ends all processes. */
  close(): Promise<void>;
}

interface Running {
  sandbox: Promise<Sandbox>;
  client: Promise<McpClient>;
  calls: number;
  idle: NodeJS.Timeout | null;
}

/**
 * Starts tool servers at first use, each in a sandbox of its own, and ends them when they are idle. One that hangs, crashes
 * or floods is ended and the model is told; the next call starts it again.
 */
export function createToolServers({ driver, pins, limits: given }: ToolServersOptions): ToolServers {
  const limits = { startMs: 15_000, callMs: 60_000, maxBytes: 8_000_000, idleMs: 60_000, ...given };
  const running = new Map<string, Running>();

  function start(server: ToolServer, key: string): Running {
    const sandbox = driver.open(server.sandbox);
    const client = sandbox.then(async (open) => connectMcp(await open.spawn(server.argv), limits));
    const started: Running = { sandbox, client, calls: 0, idle: null };
    running.set(key, started);
    const gone = () => stop(key, started, 'gone');
    client.then(({ closed }) => closed.then(gone), gone).catch(() => {});
    return started;
  }

  async function stop(key: string, entry: Running, reason: string): Promise<void> {
    if (running.get(key) === entry) running.delete(key);
    if (entry.idle) clearTimeout(entry.idle);
    await entry.client.then(({ close }) => close(reason)).catch(() => {});
    await entry.sandbox.then((sandbox) => sandbox.close()).catch(() => {});
  }

  async function use<T>(server: ToolServer, work: (client: McpClient) => Promise<T>): Promise<T> {
    const key = JSON.stringify([server.name, server.argv, server.sandbox]);
    const entry = running.get(key) ?? start(server, key);
    entry.calls += 1;
    if (entry.idle) clearTimeout(entry.idle);
    try {
      return await work(await entry.client);
    } finally {
      entry.calls -= 1;
      if (entry.calls === 0 && running.get(key) === entry)
        entry.idle = setTimeout(() => void stop(key, entry, 'idle'), limits.idleMs).unref();
    }
  }

  async function pinnedTools(server: ToolServer): Promise<PinnedTools> {
    const known = await pins.load(server.name);
    if (known) return known;
    return use(server, async ({ version, tools }) => {
      const pinned = { version, hash: hashOf(tools), tools };
      await pins.save(server.name, pinned);
      return pinned;
    });
  }

  async function call(server: ToolServer, pinned: PinnedTools, tool: string, input: unknown, signal: AbortSignal) {
    if (typeof input !== 'object' || input === null) return failure('The arguments must be a JSON object.');
    try {
      return await use(server, async (client) => {
        if (hashOf(client.tools) !== pinned.hash)
          return failure(
            `The tool server "${server.name}" is switched off: its tools are not those that were pinned (version ${pinned.version} then, ${client.version} now). Go on without it.`,
          );
        return toResult(server.name, await client.call(tool, { ...input }, signal));
      });
    } catch (error) {
      signal.throwIfAborted();
      const reason = cleanText((error as Error).message);
      return failure(
        `${markOutside(`tool server ${server.name}`, reason)}\nThe call failed. Try once more, or go on without it.`,
      );
    }
  }

  return {
    async tools(servers) {
      const tools: Tool[] = [];
      const problems: string[] = [];
      const names = new Set<string>();
      const lists = await Promise.all(
        servers.map((server) => pinnedTools(server).catch((error: Error) => error.message)),
      );
      for (const [index, server] of servers.entries()) {
        const pinned = lists[index];
        if (!pinned || typeof pinned === 'string') {
          problems.push(`The tool server "${server.name}" could not be started: ${pinned}`);
          continue;
        }
        for (const spec of pinned.tools) {
          if (server.tools && !server.tools.includes(spec.name)) continue;
          const name = shownName(server.name, spec.name, names);
          tools.push({
            name,
            description: cleanText(spec.description).slice(0, 1_000).toWellFormed(),
            inputSchema: schemaOf(spec.inputSchema),
            readOnly: server.readOnly.includes(spec.name),
            describe: (input) => ({
              action: `Asking ${cleanLine(server.name, 80)}`,
              parameter: describeCall(spec.name, input),
            }),
            run: (input, { signal }) => call(server, pinned, spec.name, input, signal),
          });
        }
      }
      return { tools, problems };
    },
    async close() {
      await Promise.all([...running].map(([key, entry]) => stop(key, entry, 'closed')));
    },
  };
}

/** Without the dialect and the ban on other arguments: they cost tokens in every request, and the server checks them itself. */
function schemaOf({ $schema: _, additionalProperties, ...schema }: JsonSchema): JsonSchema {
  return canonical(additionalProperties === false ? schema : { ...schema, additionalProperties }) as JsonSchema;
}

/** `<server>_<tool>` in the letters and length that every model vendor takes; a name that is taken gets a mark of its own. */
function shownName(server: string, tool: string, taken: Set<string>): string {
  const plain = `${server}_${tool}`.replace(/[^a-zA-Z0-9_-]/g, '_');
  const marked = `${plain.slice(0, 55)}_${createHash('sha256').update(`${server} ${tool}`).digest('hex').slice(0, 8)}`;
  const name = plain.length > 64 || taken.has(plain) ? marked : plain;
  taken.add(name);
  return name;
}

function hashOf(tools: ToolSpec[]): string {
  const sorted = tools.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify(canonical(sorted)))
    .digest('hex');
}

/** Keys in one order, because a database keeps none and every request must begin with the same bytes; texts cleaned. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, canonical(member)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describeCall(tool: string, input: unknown): string {
  const values = Object.values(input ?? {}).filter((value) => typeof value === 'string' || typeof value === 'number');
  return cleanLine([tool, ...values].join(' '), 200);
}

function toResult(server: string, result: CallToolResult): ToolResult {
  const parts = result.content.map((part) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'resource')
      return 'text' in part.resource ? part.resource.text : `[${part.resource.uri}, not text]`;
    if (part.type === 'resource_link') return `[${part.uri}]`;
    return `[${part.mimeType}, ${grouped(part.data.length)} characters of base64, not shown]`;
  });
  if (parts.length === 0 && result.structuredContent) parts.push(JSON.stringify(result.structuredContent));
  const text = cutOutput(cleanText(parts.join('\n')), 'ask for less');
  return { text: markOutside(`tool server ${server}`, text), isError: result.isError ?? false };
}
