import { join } from 'node:path';
import type { CodeHost } from '../code-hosts/code-host.ts';
import { serversFor, type ToolServerSettings } from '../core/tool-server.ts';
import type { RunDeps } from '../flow.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { prepareCiLogTools } from '../tools/ci-log-tools.ts';
import { openOtherTools } from '../tools/other-servers.ts';
import { prepareOwnTools } from '../tools/own-servers.ts';
import type { ToolServers } from '../tools/tool-servers.ts';

export interface ServerToolsOptions {
  servers: ToolServers;
  driver: Pick<SandboxDriver, 'owner'>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  dataDir: string;
  stops: (() => Promise<unknown>)[];
}

/** The tools of all our servers: git for every workspace, CI logs for repositories whose code host gives access to them. */
export async function prepareServerTools(options: ServerToolsOptions): Promise<RunDeps['serverTools']> {
  const { servers, driver, codeHosts, dataDir, stops } = options;
  const git = await prepareOwnTools(servers, {
    dir: dataDir,
    mounts: [{ path: dataDir, writable: false }],
    env: {},
  });
  if (![...codeHosts.values()].some(({ following }) => following?.logAccess)) return (workspace) => git(workspace);
  const ciLogs = await prepareCiLogTools({ servers, dir: join(dataDir, 'ci-logs'), owner: driver.owner });
  stops.push(() => ciLogs.close());
  return (workspace, repository) => {
    const access = codeHosts.get(repository.codeHost)?.following?.logAccess;
    if (!access) return git(workspace);
    const { apiUrl } = access;
    const token = (signal: AbortSignal) => access.token(repository, signal);
    return [...git(workspace), ...ciLogs.of({ apiUrl, location: repository.location, token })];
  };
}

/** Those of the servers that are for this work. */
export function otherToolsOf(servers: ToolServers, settings: readonly ToolServerSettings[]): RunDeps['otherTools'] {
  return (of, use) => openOtherTools(servers, serversFor(settings, of), use);
}
