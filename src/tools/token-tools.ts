import { createHash, randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenServer } from '../core/token-server.ts';
import type { Tool } from '../core/tool.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isAlive } from '../lib/is-alive.ts';
import { failure } from './define-tool.ts';
import { bindTools, listTools, ownPrograms, programOf } from './own-servers.ts';
import type { ToolServer, ToolServers } from './tool-servers.ts';

export interface TokenToolsOptions {
  servers: ToolServers;
  /** Where the tokens lie while servers run: a directory of this program's that no other sandbox sees. */
  dir: string;
  /** As whom a sandbox runs. */
  owner: { uid: number; gid: number };
  /** Any of this program: started once, without its token, to say which tools it has. */
  sample: Omit<TokenServer, 'token'>;
}

export interface TokenTools {
  /** Of a server of the same program. */
  of(server: TokenServer): Tool[];
  /** Takes the tokens away. */
  close(): Promise<void>;
}

/**
 * The tools of a program of ours that reads by a token, each server in a sandbox of its own. That sandbox has the host's
 * network: what is in it is this program of ours, the agent and its commands are not, and the program decides what it asks
 * for. The token is in a file that only that sandbox sees, so that a newer one reaches a server that runs. Throws when the
 * server does not start.
 */
export async function prepareTokenTools({ servers, dir, owner, sample }: TokenToolsOptions): Promise<TokenTools> {
  const mine = join(dir, String(process.pid));
  await removeAbandoned(dir);
  const listed = await listTools(servers, started(sample, null));

  async function serverFor(server: TokenServer, signal: AbortSignal): Promise<ToolServer> {
    const value = await server.token(signal);
    const name = createHash('sha256')
      .update(JSON.stringify([server.args, server.env]))
      .digest('hex')
      .slice(0, 16);
    const place = join(mine, name);
    await mkdir(place, { recursive: true, mode: 0o711 });
    const file = join(place, 'token');
    if ((await readFile(file, 'utf8').catch(() => null)) === value) return started(server, place);
    const next = join(place, randomUUID());
    await writeFile(next, value, { mode: 0o600 });
    await chown(next, owner.uid, owner.gid);
    await chmod(next, 0o400);
    await rename(next, file); // whoever reads it sees the one or the other
    return started(server, place);
  }

  return {
    of(server) {
      const tools = bindTools(servers, listed, (signal) => serverFor(server, signal));
      return tools.map((tool) => ({
        ...tool,
        run: (input, context) =>
          tool.run(input, context).catch((error) => {
            if (!(error instanceof VendorError)) throw error;
            return failure(`${error.message}\nGo on without ${tool.name}.`); // there is no token now
          }),
      }));
    },
    close: () => rm(mine, { recursive: true, force: true }),
  };
}

/** `place`: where its token is; null: it is only to say which tools it has. */
function started({ name, args, env, readOnly }: Omit<TokenServer, 'token'>, place: string | null): ToolServer {
  return {
    name,
    argv: ['node', programOf(name), ...args, '--token-file', join(place ?? '/', 'token')],
    sandbox: {
      mounts: [...ownPrograms(), ...(place === null ? [] : [{ path: place, writable: false }])],
      env,
      cwd: place ?? '/tmp',
      network: place === null ? 'none' : 'host',
    },
    tools: null,
    readOnly,
  };
}

/** What processes left that were killed. */
async function removeAbandoned(dir: string): Promise<void> {
  for (const name of await readdir(dir).catch(() => []))
    if (!isAlive(Number(name))) await rm(join(dir, name), { recursive: true, force: true });
}
