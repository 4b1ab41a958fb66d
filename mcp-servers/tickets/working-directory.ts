import { access } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Asked } from './capture.ts';

/** Longer than any client takes to say what it has open. */
const patienceMs = 3_000;

/**
 * The directory that the person works in, as their client tells (MCP roots): of several the one with a file that it is about,
 * else the one that this process is in. Where the client tells none, the one that this process was started in.
 */
export async function findWorkingDirectory(server: McpServer, asked: Asked, current: string): Promise<string> {
  const roots = await listRoots(server);
  const paths = [asked, ...asked.also].flatMap(({ places }) => places.map(({ path }) => path));
  for (const root of roots.length > 1 ? roots : []) {
    for (const path of paths) if (await exists(join(root, path))) return isWithin(root, current) ? current : root;
  }
  return roots.some((root) => isWithin(root, current)) ? current : (roots[0] ?? current);
}

async function listRoots(server: McpServer): Promise<string[]> {
  if (server.server.getClientCapabilities()?.roots === undefined) return [];
  try {
    const { roots } = await server.server.listRoots(undefined, { timeout: patienceMs });
    return roots.filter(({ uri }) => uri.startsWith('file:')).map(({ uri }) => fileURLToPath(uri));
  } catch {
    return []; // it is a help, no more
  }
}

function isWithin(root: string, dir: string): boolean {
  const inside = relative(root, dir);
  return inside === '' || (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
