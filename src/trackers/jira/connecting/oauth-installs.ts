import { z } from 'zod';
import { cleanLine } from '../../../core/outside-text.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { Connection, Connections } from '../../connections.ts';
import {
  beginRequest,
  createInstallTokens,
  type InstallAnswer,
  type InstallKeeping,
  keepInstall,
  takeAnswer,
} from '../../installs.ts';
import { createJiraClient } from '../client.ts';
import { createSite } from '../sites.ts';
import { type GrantedSite, grantedSite, readGrantedSites, requestToken, scopes } from './oauth.ts';

export const grantKind = 'jira-grant';

/** What may be shown of a consent: one account's, to one site or several. */
const grant = z.object({
  accountId: z.string(),
  displayName: z.string(),
  /** That are entered by it; none, where another consent came after it. */
  sites: z.array(grantedSite),
});
export interface Grant extends z.output<typeof grant> {
  /** Its connection's. */
  id: string;
}

export interface InstallOptions {
  apiUrl: string;
  authUrl: string;
  clientId: string;
  clientSecret: string;
  connections: Connections;
}

/** Of the hour that one lasts. */
const refreshBeforeMs = 5 * 60_000;
const wayOut = '`shipmate connect jira` shows the way.';

const keepingOf = ({ connections, clientSecret }: InstallOptions): InstallKeeping => ({
  connections,
  kind: grantKind,
  secret: clientSecret,
});

export function readGrant({ id, about }: Connection): Grant {
  return { id, ...grant.parse(about) };
}

/** Tokens of consents. */
export function createGrantTokens(options: InstallOptions) {
  const { authUrl, clientId, clientSecret } = options;
  return createInstallTokens({
    ...keepingOf(options),
    refreshBeforeMs,
    refresh: (refreshToken, signal) =>
      requestToken(
        authUrl,
        {
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
          client_id: clientId,
          client_secret: clientSecret,
        },
        signal,
      ),
    unknown: () => notLetIn(`Nobody has let the agent into Jira yet. ${wayOut}`),
    lostBecause,
    sealedOtherwise: (connection) =>
      notLetIn(
        `The tokens for ${namesOf(readGrant(connection).sites)} cannot be decrypted: JIRA_CLIENT_SECRET is another than when Jira was connected. Set that secret again, or connect it anew: ${wayOut}`,
      ),
  });
}

/** Nothing can be had until people let us in again; then it goes on by itself. */
export function notLetIn(message: string): VendorError {
  return new VendorError(message, { code: 'disconnected', retryable: true, retryAfterMs: 60_000 });
}

export function lostBecause(connection: Connection): VendorError {
  const { displayName, sites } = readGrant(connection);
  return notLetIn(
    `Jira lets the agent no more into ${namesOf(sites)}: ${connection.lost}. What "${displayName}" consented to was taken back, or nobody used it for 90 days. ${wayOut} What waits goes on by itself then.`,
  );
}

/** The page on which the agent's account consents. What comes back counts once, within ten minutes. */
export async function beginInstall(options: InstallOptions, redirectUri: string): Promise<{ url: string }> {
  const { authUrl, clientId } = options;
  const state = await beginRequest(keepingOf(options), { redirectUri });
  const url = new URL(`${authUrl}/authorize`);
  url.search = new URLSearchParams({
    audience: 'api.atlassian.com',
    client_id: clientId,
    scope: scopes.join(' '),
    redirect_uri: redirectUri,
    state,
    response_type: 'code',
    prompt: 'consent',
  }).toString();
  return { url: url.href };
}

/** Ends it with what the browser brought. Throws `VendorError` `invalid`, with what to do, when it cannot be taken. */
export async function finishInstall(
  options: InstallOptions,
  answer: InstallAnswer,
  signal: AbortSignal,
): Promise<Grant> {
  const { apiUrl, authUrl, clientId, clientSecret } = options;
  const granted = await takeAnswer(
    keepingOf(options),
    answer,
    { vendor: 'Jira', act: 'consent', refuse: invalid },
    ({ redirectUri }: { redirectUri: string }, code) => {
      const client = { client_id: clientId, client_secret: clientSecret };
      const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...client };
      return requestToken(authUrl, fields, signal);
    },
  );
  const { accessToken } = granted;
  if (granted.refreshToken === null)
    throw invalid('Jira gave no token that can be refreshed: the scope offline_access was not granted.');
  const sites = await readGrantedSites(apiUrl, accessToken, signal);
  const [first] = sites ?? [];
  if (!sites || !first)
    throw invalid('The consent opens no site of Jira. Add the scopes of the Jira API to the app, under Permissions.');
  const auth = { type: 'bearer', token: async () => accessToken } as const;
  const client = createJiraClient({ site: { url: first.url, cloudId: first.id }, auth, apiUrl });
  const { accountId, displayName } = await createSite(client).own(signal);
  const about = { accountId, displayName: cleanLine(displayName, 100), sites };
  // Whether a second consent of an account opens the first one's sites as well is up to the app and to Jira.
  const id = `${accountId} ${sites.map((site) => site.id).sort()[0]}`;
  await keepInstall(keepingOf(options), id, about, granted);
  await leaveToThisOne(options, id, sites);
  return { id, ...about };
}

/** A site is entered by one consent: the last. */
async function leaveToThisOne({ connections }: InstallOptions, id: string, sites: GrantedSite[]): Promise<void> {
  const isTaken = (there: GrantedSite) => sites.some((site) => site.id === there.id);
  for (const other of await connections.list(grantKind)) {
    if (other.id === id || !readGrant(other).sites.some(isTaken)) continue;
    await connections.update(grantKind, other.id, async (current) => {
      if (current === null) return null;
      const about = grant.parse(current.about);
      return { ...current, about: { ...about, sites: about.sites.filter((site) => !isTaken(site)) } };
    });
  }
}

export function namesOf(sites: readonly GrantedSite[]): string {
  return sites.map(({ url }) => new URL(url).host).join(', ');
}

function invalid(problem: string): VendorError {
  return new VendorError(`${problem} Begin again with \`shipmate connect jira\`.`, {
    code: 'invalid',
    retryable: false,
  });
}
