import { cleanLine, cleanText, markOutside } from '../core/outside-text.ts';
import type { Tool, ToolRunContext } from '../core/tool.ts';
import type { ListedTool, PinnedTools, UrlPlace } from '../core/tool-server.ts';
import { orAborted } from '../lib/abort.ts';
import type { Sandbox, SandboxDriver, SandboxSpec } from '../sandboxes/sandbox.ts';
import { failure } from './define-tool.ts';
import { connectMcp, type McpClient, type McpLimits } from './mcp-client.ts';
import { linkToUrl } from './mcp-http.ts';
import { linkToProcess } from './mcp-stdio.ts';
import { plainSchema } from './plain-schema.ts';
import { pinOf, schemaOf, shownName } from './tool-list.ts';
import { toResult } from './tool-results.ts';

/**
 * Something that offers tools over MCP: a program with all that it may see, or a URL. Two that are equal share one process or
 * connection.
 */
export type ToolServer = OfferedTools & (ProgramServer | UrlPlace);

interface OfferedTools {
  name: string;
  /** Tools that are offered to the agent, by the server's names; null: all. */
  tools: string[] | null;
  /** Those that change nothing. The server's own word on that is not taken. */
  readOnly: string[];
  /** The program as it is for a call, where it is not known before. */
  whenCalled?(): Promise<ProgramServer>;
  /** It is not ours. */
  others?: {
    /** The session that it is for: no two share a process or a connection, whatever that remembers. */
    session: string;
    limits: Pick<McpLimits, 'callMs' | 'maxBytes'>;
    /** Takes out what it was given and must not give back. */
    hide(text: string): string;
  };
}

export interface ProgramServer {
  argv: string[];
  sandbox: SandboxSpec;
}

/** The tools of one server. */
export interface ServerTools {
  server: string;
  tools: Tool[];
}

/** What a server offers now, if that is not what was pinned: it stays off until somebody accepts it. */
export type Pinned = PinnedTools & { offered: PinnedTools | null };

export interface ToolServersOptions {
  driver: Pick<SandboxDriver, 'open'>;
  pins: {
    load(server: string): Promise<Pinned | null>;
    /** At its first use. Answers what is pinned then: of two at once, the first's. */
    save(server: string, pinned: PinnedTools): Promise<Pinned>;
    /** It is not as it was pinned: in its version only, or in its tools. */
    differs(server: string, now: PinnedTools): Promise<void>;
  };
  limits?: Partial<McpLimits & { idleMs: number; awayMs: number }>;
}

/** Whoever uses servers for one run. */
export interface Watch {
  /** Why a server is not asked any more; null: it is. */
  isOff(server: string): string | null;
  /** It was cut off, ended by itself, or did not come up. */
  lost(server: string, reason: string): void;
  /** Its tools are not those that were pinned. */
  changed(server: string, now: PinnedTools): void;
  /** Whether one more image is kept; it counts then. */
  mayKeep(): boolean;
}

export interface ToolServers {
  /**
   * The tools of these servers, from their pinned lists: a server is only started for this when it has never been seen. One
   * that cannot be, or that is off, is left out and named in `problems`. No tool gets a name of `taken`, which grows.
   */
  tools(
    servers: ToolServer[],
    use?: { watch?: Watch; taken?: Set<string>; signal?: AbortSignal },
  ): Promise<{ tools: Tool[]; byServer: ServerTools[]; problems: string[] }>;
  /** What a server lists now. Throws when it does not come up. */
  look(server: ToolServer, signal: AbortSignal): Promise<PinnedTools>;
  /** Ends what runs for a session. */
  release(session: string): Promise<void>;
  /** Ends all processes. */
  close(): Promise<void>;
}

interface Running {
  session: string | null;
  sandbox: Promise<Sandbox> | null;
  client: Promise<McpClient>;
  calls: number;
  idle: NodeJS.Timeout | null;
}

const never = new AbortController().signal;
/** One that did not come up for its list is not waited for again by every run. */
const awayMs = 300_000;

/**
 * Starts tool servers at first use, each in a sandbox of its own, and ends them when they are idle. One that hangs, crashes
 * or floods is ended and the model is told; the next call starts it again.
 */
export function createToolServers({ driver, pins, limits: given }: ToolServersOptions): ToolServers {
  const limits = { startMs: 15_000, callMs: 60_000, maxBytes: 8_000_000, idleMs: 60_000, awayMs, ...given };
  const running = new Map<string, Running>();
  const looked = new WeakMap<readonly ListedTool[], PinnedTools>();
  const away = new Map<string, { until: number; error: Error }>();

  function start(server: ToolServer, key: string): Running {
    const its = { ...limits, ...server.others?.limits };
    const sandbox = 'url' in server ? null : driver.open(server.sandbox);
    const client =
      'url' in server
        ? connectMcp((gauge) => linkToUrl(server.url, server.headers, gauge), its)
        : (sandbox as Promise<Sandbox>).then(async (open) => {
            const process = await open.spawn(server.argv);
            return connectMcp((gauge) => linkToProcess(process, its.maxBytes, gauge), its);
          });
    const started: Running = { session: server.others?.session ?? null, sandbox, client, calls: 0, idle: null };
    running.set(key, started);
    const gone = () => stop(key, started, 'gone');
    client.then(({ closed }) => closed.then(gone), gone).catch(() => {});
    return started;
  }

  async function stop(key: string, entry: Running, reason: string): Promise<void> {
    if (running.get(key) === entry) running.delete(key);
    if (entry.idle) clearTimeout(entry.idle);
    await entry.client.then(({ close }) => close(reason)).catch(() => {});
    await entry.sandbox?.then((sandbox) => sandbox.close()).catch(() => {});
  }

  async function use<T>(server: ToolServer, signal: AbortSignal, work: (client: McpClient) => Promise<T>): Promise<T> {
    const key = JSON.stringify([
      ...[server.name, server.others?.session ?? null],
      'url' in server ? [server.url, server.headers] : [server.argv, server.sandbox],
    ]);
    const entry = running.get(key) ?? start(server, key);
    entry.calls += 1;
    if (entry.idle) clearTimeout(entry.idle);
    try {
      return await work(await orAborted(entry.client, signal));
    } finally {
      entry.calls -= 1;
      if (entry.calls === 0 && running.get(key) === entry)
        entry.idle = setTimeout(() => void stop(key, entry, 'idle'), limits.idleMs).unref();
    }
  }

  async function listed(server: ToolServer, client: McpClient, signal: AbortSignal): Promise<PinnedTools> {
    const tools = await client.tools(signal);
    const known = looked.get(tools) ?? pinOf(client.version, tools, hiding(server));
    looked.set(tools, known);
    return known;
  }

  async function look(server: ToolServer, signal: AbortSignal): Promise<PinnedTools> {
    try {
      return await use(server, signal, (client) => listed(server, client, signal));
    } catch (error) {
      signal.throwIfAborted();
      throw new Error(hiding(server)((error as Error).message));
    }
  }

  async function pinnedTools(server: ToolServer, signal: AbortSignal): Promise<Pinned> {
    const { name } = server;
    const known = await pins.load(name);
    if (known) return known;
    const last = away.get(name);
    if (last && performance.now() < last.until) throw last.error;
    const seen = await look(server, signal).catch((error: Error) => {
      if (!signal.aborted) away.set(name, { until: performance.now() + limits.awayMs, error });
      throw error;
    });
    return pins.save(name, seen);
  }

  function createCall(server: ToolServer, pinned: PinnedTools, tool: string, watch: Watch | undefined): Tool['run'] {
    const { name } = server;
    const hide = hiding(server);
    const mayKeep = watch?.mayKeep ?? (() => true);
    return async (input, { signal, scope }: ToolRunContext) => {
      if (typeof input !== 'object' || input === null) return failure('The arguments must be a JSON object.');
      const off = watch?.isOff(name) ?? null;
      if (off !== null) return failure(off);
      let client: McpClient | null = null;
      try {
        const bound = server.whenCalled ? { ...server, ...(await orAborted(server.whenCalled(), signal)) } : server;
        return await use(bound, signal, async (up) => {
          client = up;
          const now = await listed(server, up, signal);
          if (now.hash !== pinned.hash || now.version !== pinned.version) await pins.differs(name, now);
          if (now.hash !== pinned.hash) {
            watch?.changed(name, now);
            return failure(
              `The tool server "${name}" is switched off: its tools are not those that were pinned (version ${pinned.version} then, ${now.version} now). Go on without it.`,
            );
          }
          return toResult(await up.call(tool, { ...input }, signal), { server: name, tool, scope, hide, mayKeep });
        });
      } catch (error) {
        signal.throwIfAborted();
        const reason = hide(cleanText((error as Error).message))
          .slice(0, 1_000)
          .toWellFormed();
        if ((client as McpClient | null)?.isClosed() ?? true) watch?.lost(name, reason);
        return failure(
          `${markOutside(`tool server ${name}`, reason)}\nThe call failed. Try once more, or go on without it.`,
        );
      }
    };
  }

  return {
    look,
    async tools(servers, { watch, taken = new Set<string>(), signal = never } = {}) {
      const byServer: ServerTools[] = [];
      const problems: string[] = [];
      const lists = await Promise.all(
        servers.map((server) => pinnedTools(server, signal).catch((error: Error) => error.message)),
      );
      signal.throwIfAborted();
      for (const [index, server] of servers.entries()) {
        const pinned = lists[index];
        const { name, others } = server;
        if (!pinned || typeof pinned === 'string') {
          const reason = pinned ?? '';
          watch?.lost(name, reason);
          // People are told why by the watch; a model can do nothing about it, and would read a stranger's last words as ours.
          const why = others ? '' : `: ${cleanLine(reason, 1_000)}`;
          problems.push(`The tool server "${name}" could not be started${why}.`);
          continue;
        }
        if (pinned.offered) {
          watch?.changed(name, pinned.offered);
          problems.push(
            `The tool server "${name}" is switched off: its tools changed, and nobody has accepted that yet.`,
          );
          continue;
        }
        const tools: Tool[] = [];
        for (const spec of pinned.tools) {
          if (server.tools && !server.tools.includes(spec.name)) continue;
          const readOnly = server.readOnly.includes(spec.name);
          // What it says of itself can only narrow what the list says.
          if (others && readOnly && spec.changes) continue;
          const description = cleanText(spec.description).slice(0, 1_000).toWellFormed();
          tools.push({
            name: shownName(name, spec.name, taken),
            description: others ? markOutside(`tool server ${name}`, description) : description,
            inputSchema: others ? plainSchema(schemaOf(spec.inputSchema)) : schemaOf(spec.inputSchema),
            readOnly,
            ...(others && !readOnly && { actsOutside: true }),
            describe: (input) => ({
              action: `Asking ${cleanLine(name, 80)}`,
              parameter: describeCall(spec.name, input),
            }),
            run: createCall(server, pinned, spec.name, watch),
          });
        }
        if (tools.length > 0) byServer.push({ server: name, tools });
      }
      return { tools: byServer.flatMap(({ tools }) => tools), byServer, problems };
    },
    async release(session) {
      const its = [...running].filter(([, entry]) => entry.session === session);
      await Promise.all(its.map(([key, entry]) => stop(key, entry, 'its session rests')));
    },
    async close() {
      await Promise.all([...running].map(([key, entry]) => stop(key, entry, 'closed')));
    },
  };
}

function hiding({ others }: ToolServer): (text: string) => string {
  return others?.hide ?? ((text) => text);
}

function describeCall(tool: string, input: unknown): string {
  const values = Object.values(input ?? {}).filter((value) => typeof value === 'string' || typeof value === 'number');
  return cleanLine([tool, ...values].join(' '), 200);
}
