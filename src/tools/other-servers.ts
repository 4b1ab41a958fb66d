import { cleanLine } from '../core/outside-text.ts';
import { screenshotLimits } from '../core/screenshots.ts';
import type { ToolServerSettings } from '../core/tool-server.ts';
import { createRedactor } from '../lib/redact.ts';
import type { SeenWorkspace } from './own-servers.ts';
import type { ProgramServer, ServerTools, ToolServer, ToolServers, Watch } from './tool-servers.ts';

/** Cut off so often in one run, a server is not asked again in it. */
const mostLosses = 3;

/** What a run gives to the servers of others, and hears from them. */
export interface OtherToolsUse {
  session: string;
  workspace: Promise<SeenWorkspace>;
  /** Names that are taken. */
  taken: Iterable<string>;
  /** Says a thing to people; what has the same key is said once in a session. */
  tell(key: string, text: string): void;
  signal: AbortSignal;
}

export interface OtherTools {
  servers: ServerTools[];
  /** What the model is told before it begins. */
  notes: string[];
  /** Ends what was started for the session. */
  close(): Promise<void>;
}

/** The tools of servers that are not ours, for one run. One that cannot be had costs the run nothing but its tools. */
export async function openOtherTools(
  servers: ToolServers,
  settings: readonly ToolServerSettings[],
  { session, workspace, taken, tell, signal }: OtherToolsUse,
): Promise<OtherTools> {
  const listing = settings
    .filter(({ tools, write }) => tools.length + write.length > 0)
    .map((each) => serverOf(each, { session, workspace }));
  const use = { watch: createWatch(tell), taken: new Set(taken), signal };
  const { byServer, problems } = await servers.tools(listing, use);
  return {
    servers: byServer,
    notes: problems.map((problem) => `${problem} Go on without it.`),
    close: () => servers.release(session),
  };
}

/** What a server of others is started with, and may see. The workspace is waited for when it is called. */
export function serverOf(
  settings: ToolServerSettings,
  of: { session: string; workspace: Promise<SeenWorkspace> } | null,
): ToolServer {
  const { name, at, tools, write, secrets, callMs, maxBytes } = settings;
  const { redact } = createRedactor(secrets);
  const offered = {
    name,
    tools: [...tools, ...write],
    readOnly: tools,
    others: { session: of?.session ?? '', limits: { callMs, maxBytes }, hide: redact },
  };
  if ('url' in at) return { ...offered, ...at };
  const { command, args, env, hosts, paths } = at;
  const program = (seen: SeenWorkspace | null): ProgramServer => ({
    argv: [command, ...args],
    sandbox: {
      mounts: [...paths.map((path) => ({ path })), ...(seen?.mounts ?? [])].map((mount) => ({
        ...mount,
        writable: false,
      })),
      env: { ...withoutHome(seen?.env), ...env },
      cwd: seen?.dir ?? '/tmp',
      network: hosts.length === 0 ? 'none' : { hosts },
    },
  });
  const sees = at.workspace ? (of?.workspace ?? null) : null;
  return { ...offered, ...program(null), ...(sees && { whenCalled: async () => program(await sees) }) };
}

/** The workspace's is read-only for a server, and programs keep things at home; its sandbox gives it one of its own. */
function withoutHome({ HOME: _, ...env }: Record<string, string> = {}): Record<string, string> {
  return env;
}

function createWatch(tell: OtherToolsUse['tell']): Watch {
  const losses = new Map<string, number>();
  let images = 0;
  return {
    isOff(server) {
      if ((losses.get(server) ?? 0) < mostLosses) return null;
      return `The tool server "${server}" was lost ${mostLosses} times, and is not asked again in this run. Go on without it.`;
    },
    lost(server, why) {
      const reason = `\`${cleanLine(why, 300).replaceAll('`', "'")}\``;
      const count = (losses.get(server) ?? 0) + 1;
      losses.set(server, count);
      if (count === 1) tell(`tool-server/${server}/lost`, `The tool server "${server}" was lost: ${reason}. I go on.`);
      if (count === mostLosses)
        tell(
          `tool-server/${server}/off`,
          `The tool server "${server}" was lost ${mostLosses} times (${reason}). I go on without it.`,
        );
    },
    mayKeep: () => images++ < screenshotLimits.kept,
    changed(server, { hash }) {
      tell(
        `tool-server/${server}/changed/${hash.slice(0, 16)}`,
        `The tool server "${server}" is switched off: its tools are not those that were accepted. Whoever runs this service sees what changed, and accepts it, with \`shipmate tools accept ${server}\`. I go on without it.`,
      );
    },
  };
}
