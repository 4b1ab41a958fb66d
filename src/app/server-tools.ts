import { join } from 'node:path';
import type { AlertSourceDefinition } from '../alerts/alert-source.ts';
import { alertSources } from '../alerts/index.ts';
import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Config } from '../config.ts';
import type { Repository } from '../core/repository.ts';
import type { TokenServer } from '../core/token-server.ts';
import { serversFor, type ToolServerSettings } from '../core/tool-server.ts';
import type { RunDeps } from '../flow.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { ciLogServer } from '../tools/ci-log-tools.ts';
import { openOtherTools } from '../tools/other-servers.ts';
import { prepareOwnTools } from '../tools/own-servers.ts';
import { prepareTokenTools } from '../tools/token-tools.ts';
import type { ToolServers } from '../tools/tool-servers.ts';

export interface ServerToolsOptions {
  servers: ToolServers;
  driver: Pick<SandboxDriver, 'owner'>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  alerts: Config['alerts'];
  repositories: ReadonlyMap<string, Repository>;
  dataDir: string;
  stops: (() => Promise<unknown>)[];
}

/** What of a program of ours reads for a repository; null: nothing does. */
type ServerOf = (repository: Repository) => TokenServer | null;

/**
 * The tools of all our servers: git for every workspace, CI logs for repositories whose code host gives access to them,
 * errors for those that a source of alerts names.
 */
export async function prepareServerTools(options: ServerToolsOptions): Promise<RunDeps['serverTools']> {
  const { servers, driver, codeHosts, alerts, repositories, dataDir, stops } = options;
  const git = await prepareOwnTools(servers, {
    dir: dataDir,
    mounts: [{ path: dataDir, writable: false }],
    env: {},
  });
  const readers = [ciLogsOf(codeHosts), ...errorsOf(alerts)];
  const prepared = await Promise.all(
    readers.map(async (serverOf) => {
      const sample = [...repositories.values()].map(serverOf).find((server) => server !== null);
      if (!sample) return [];
      const dir = join(dataDir, sample.name);
      const tools = await prepareTokenTools({ servers, dir, owner: driver.owner, sample });
      stops.push(() => tools.close());
      return [{ serverOf, tools }];
    }),
  );
  return (workspace, repository) => [
    ...git(workspace),
    ...prepared.flat().flatMap(({ serverOf, tools }) => {
      const server = serverOf(repository);
      return server === null ? [] : tools.of(server);
    }),
  ];
}

function ciLogsOf(codeHosts: ReadonlyMap<string, CodeHost>): ServerOf {
  return (repository) => {
    const access = codeHosts.get(repository.codeHost)?.following?.logAccess;
    if (!access) return null;
    const { apiUrl } = access;
    const token = (signal: AbortSignal) => access.token(repository, signal);
    return { ...ciLogServer({ apiUrl, location: repository.location }), token };
  };
}

function errorsOf(alerts: Config['alerts']): ServerOf[] {
  return alertSources.flatMap((source: AlertSourceDefinition) => {
    const settings = (alerts as Readonly<Record<string, object | null>>)[source.kind];
    return settings ? [(repository: Repository) => source.toolServer(settings, repository)] : [];
  });
}

/** Those of the servers that are for this work. */
export function otherToolsOf(servers: ToolServers, settings: readonly ToolServerSettings[]): RunDeps['otherTools'] {
  return (of, use) => openOtherTools(servers, serversFor(settings, of), use);
}
