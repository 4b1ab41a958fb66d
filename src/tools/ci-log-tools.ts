import { createHash, randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tool } from '../core/tool.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isAlive } from '../lib/is-alive.ts';
import { failure } from './define-tool.ts';
import { bindTools, listTools, ownPrograms, programOf } from './own-servers.ts';
import type { ToolServer, ToolServers } from './tool-servers.ts';

/** The repository whose checks and logs are read. */
export interface ReadRepository {
  apiUrl: string;
  /** "owner/name" */
  location: string;
  /** Asked before each call. */
  token(signal: AbortSignal): Promise<string>;
}

export interface CiLogToolsOptions {
  servers: ToolServers;
  /** Where the tokens lie while servers run: a directory that no other sandbox sees. */
  dir: string;
  /** As whom a sandbox runs. */
  owner: { uid: number; gid: number };
}

export interface CiLogTools {
  of(repository: ReadRepository): Tool[];
  /** Takes the tokens away. */
  close(): Promise<void>;
}

/**
 * The tools of the ci-logs server, each repository's in a sandbox of its own. That sandbox has the host's network, because a
 * sandbox knows only all or nothing: what is in it is this program of ours, the agent and its commands are not, and the
 * token that it sees reads the logs of one repository. It is in a file, so that a newer one reaches a server that runs.
 * Throws when the server does not start.
 */
export async function prepareCiLogTools({ servers, dir, owner }: CiLogToolsOptions): Promise<CiLogTools> {
  const mine = join(dir, String(process.pid));
  await removeAbandoned(dir);
  const listed = await listTools(servers, ciLogsServer({ apiUrl: 'https://localhost', location: 'a/b' }, null));

  async function serverFor(repository: ReadRepository, signal: AbortSignal): Promise<ToolServer> {
    const value = await repository.token(signal);
    const name = createHash('sha256').update(`${repository.apiUrl} ${repository.location}`).digest('hex').slice(0, 16);
    const place = join(mine, name);
    await mkdir(place, { recursive: true, mode: 0o711 });
    const file = join(place, 'token');
    if ((await readFile(file, 'utf8').catch(() => null)) === value) return ciLogsServer(repository, place);
    const next = join(place, randomUUID());
    await writeFile(next, value, { mode: 0o600 });
    await chown(next, owner.uid, owner.gid);
    await chmod(next, 0o400);
    await rename(next, file); // whoever reads it sees the one or the other
    return ciLogsServer(repository, place);
  }

  return {
    of(repository) {
      const tools = bindTools(servers, listed, (signal) => serverFor(repository, signal));
      return tools.map((tool) => ({
        ...tool,
        run: (input, context) =>
          tool.run(input, context).catch((error) => {
            if (!(error instanceof VendorError)) throw error;
            return failure(`${error.message}\nGo on without the logs.`); // there is no token now
          }),
      }));
    },
    close: () => rm(mine, { recursive: true, force: true }),
  };
}

/** `place`: where its token is; null: it is only to say which tools it has. */
function ciLogsServer({ apiUrl, location }: Omit<ReadRepository, 'token'>, place: string | null): ToolServer {
  return {
    name: 'ci-logs',
    argv: ['node', programOf('ci-logs'), '--repository', location, '--token-file', join(place ?? '/', 'token')],
    sandbox: {
      mounts: [...ownPrograms(), ...(place === null ? [] : [{ path: place, writable: false }])],
      env: { GITHUB_API_URL: apiUrl },
      cwd: place ?? '/tmp',
      network: place === null ? 'none' : 'host',
    },
    tools: null,
    readOnly: ['list-checks', 'get-failed-jobs', 'get-job-log', 'compare-with-base', 'list-recent-failures'],
  };
}

/** What processes left that were killed. */
async function removeAbandoned(dir: string): Promise<void> {
  for (const name of await readdir(dir).catch(() => []))
    if (!isAlive(Number(name))) await rm(join(dir, name), { recursive: true, force: true });
}
