import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Tool } from '../core/tool.ts';
import type { Mount } from '../sandboxes/sandbox.ts';
import type { Pinned, ToolServer, ToolServers, ToolServersOptions } from './tool-servers.ts';

/** This package's own root: where `mcp-servers` and its modules lie, in a clone as in an installed package. */
const root = findRoot(import.meta.dirname);

/** What a tool server is given of a workspace. */
export interface SeenWorkspace {
  dir: string;
  mounts: Mount[];
  env: Record<string, string>;
}

/**
 * The tools of the git server for any session. Their list is read once, here; a session's tools are then known before its
 * workspace is there, and each call waits for it. Throws when the server does not start.
 */
export async function prepareOwnTools(
  servers: ToolServers,
  scratch: SeenWorkspace,
): Promise<(workspace: Promise<SeenWorkspace>) => Tool[]> {
  const listed = await listTools(servers, gitServer(scratch));
  return (workspace) => bindTools(servers, listed, async () => gitServer(await workspace));
}

/** Throws when the server does not start. */
export async function listTools(servers: ToolServers, server: ToolServer): Promise<Tool[]> {
  const { tools, problems } = await servers.tools([server]);
  if (problems.length > 0) throw new Error(problems.join(' '));
  return tools;
}

/** The same tools, of the server as it is when one of them is called. */
export function bindTools(
  servers: ToolServers,
  listed: Tool[],
  serverFor: (signal: AbortSignal) => Promise<ToolServer>,
): Tool[] {
  return listed.map((tool) => ({
    ...tool,
    async run(input, context) {
      const own = await servers.tools([await serverFor(context.signal)]);
      const same = own.tools.find((candidate) => candidate.name === tool.name);
      if (!same) throw new Error(`the tool ${tool.name} vanished`);
      return same.run(input, context);
    },
  }));
}

const pinned = new Map<string, Pinned>();

/** Our own servers come with this version, so their lists are pinned for the life of the process only. */
export const ownPins: ToolServersOptions['pins'] = {
  load: async (server) => pinned.get(server) ?? null,
  async save(server, tools) {
    const first = pinned.get(server) ?? { ...tools, offered: null };
    pinned.set(server, first);
    return first;
  },
  async differs() {},
};

/** Where our dependencies are when this is an installed package itself: `node_modules/shipmate/dist`. */
const installedBeside = root.includes('node_modules') ? ['../..'] : [];

export function programOf(server: string): string {
  return join(root, 'bin', `shipmate-mcp-${server}.mjs`);
}

/** What our servers are made of. */
export function ownPrograms(): Mount[] {
  return ['bin', 'mcp-servers', 'node_modules', 'package.json', ...installedBeside]
    .map((name) => resolve(root, name))
    .filter((path) => existsSync(path))
    .map((path) => ({ path, writable: false }));
}

/** History of the repository, read-only, for one session's workspace. */
function gitServer(workspace: SeenWorkspace): ToolServer {
  return {
    name: 'git',
    argv: ['node', programOf('git'), '--repository', workspace.dir],
    sandbox: {
      mounts: [...workspace.mounts.map((mount) => ({ ...mount, writable: false })), ...ownPrograms()],
      env: workspace.env,
      cwd: workspace.dir,
      network: 'none',
    },
    tools: null,
    readOnly: ['search-history', 'blame-range', 'show-commit', 'diff-branches', 'last-touched', 'find-pull-requests'],
  };
}

function findRoot(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir;
    if (dir === dirname(dir)) throw new Error(`no package.json above ${from}`);
  }
}
