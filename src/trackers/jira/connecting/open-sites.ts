import type { Connections } from '../../connections.ts';
import type { JiraSettings } from '../settings.ts';
import type { Sites } from '../sites.ts';
import { createInstalledSites } from './installed-sites.ts';
import { grantKind, type InstallOptions } from './oauth-installs.ts';
import { createTokenSites, memberKind } from './token-sites.ts';

/** The sites that the settings lead to, in the way in that they say. What was found out of them before is known at once. */
export async function openSites(settings: JiraSettings, connections: Connections): Promise<Sites> {
  const installs = installOptions(settings, connections);
  if (installs !== null) return createInstalledSites({ ...installs, recalled: await connections.list(grantKind) });
  const { email, apiToken, sites: urls, apiUrl } = settings;
  if (email === null || apiToken === null) throw new Error('unreachable: configured without a way in');
  const auth = { type: 'basic', email, apiToken } as const;
  return createTokenSites({ urls, auth, apiUrl, connections, recalled: await connections.list(memberKind) });
}

/** null: an API token opens them. */
export function installOptions(
  { install, apiUrl, authUrl, clientId, clientSecret }: JiraSettings,
  connections: Connections,
): InstallOptions | null {
  if (!install || clientId === null || clientSecret === null) return null;
  return { apiUrl, authUrl, clientId, clientSecret, connections };
}
