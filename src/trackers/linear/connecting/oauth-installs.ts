import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
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
import { disconnected } from './disconnected.ts';
import { readIdentity } from './identity.ts';
import { oauthEndpoints, requestToken, scopes } from './oauth.ts';
import type { LinearTokens, Workspace } from './tokens.ts';

export const installKind = 'linear-install';

const about = z.object({
  name: z.string(),
  urlKey: z.string(),
  appUserId: z.string(),
  scope: z.array(z.string()).default([]),
});

/** Of the 24 hours that one lasts. */
const refreshBeforeMs = 10 * 60_000;

export interface InstallOptions {
  apiUrl: string;
  clientId: string;
  clientSecret: string;
  connections: Connections;
}

const keepingOf = ({ connections, clientSecret }: InstallOptions): InstallKeeping => ({
  connections,
  kind: installKind,
  secret: clientSecret,
});

/** Tokens of the workspaces that admins have installed the app in. */
export function createInstalls(options: InstallOptions): LinearTokens {
  const { apiUrl, clientId, clientSecret, connections } = options;
  const { token } = createInstallTokens({
    ...keepingOf(options),
    refreshBeforeMs,
    refresh: (refreshToken, signal) =>
      requestToken(
        apiUrl,
        {
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
          client_id: clientId,
          client_secret: clientSecret,
        },
        signal,
      ),
    unknown: (workspace) => disconnected(`the app is not installed in the workspace ${workspace}.`, workspace),
    lostBecause,
    sealedOtherwise: ({ id, about: who }) =>
      disconnected(
        `the tokens of the workspace ${about.parse(who).name} cannot be decrypted: LINEAR_CLIENT_SECRET is another than when it was connected. Reconnect it, or set that secret again.`,
        id,
      ),
  });

  return {
    async workspaces() {
      const all = await connections.list(installKind);
      const good = all.filter(({ lost }) => lost === null);
      const [lost] = all;
      if (good.length === 0) throw lost ? lostBecause(lost) : disconnected('the app is installed in no workspace.');
      return good.map(({ id, about: who }): Workspace => {
        const { name, urlKey, appUserId } = about.parse(who);
        return { id, name, urlKey, appUserId };
      });
    },
    async lost() {
      const all = await connections.list(installKind);
      return all.filter(({ lost }) => lost !== null).map(lostBecause);
    },
    token,
  };
}

/**
 * Begins an installation: the page that an admin of a workspace opens. What comes back counts once, within ten minutes, and
 * only with the verifier (PKCE) that is kept here, encrypted.
 */
export async function beginInstall(options: InstallOptions, redirectUri: string): Promise<{ url: string }> {
  const { apiUrl, clientId } = options;
  const verifier = randomBytes(48).toString('base64url');
  const state = await beginRequest(keepingOf(options), { verifier, redirectUri });
  const url = new URL(oauthEndpoints(apiUrl).authorize);
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: scopes.join(','),
    state,
    actor: 'app',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'consent',
  }).toString();
  return { url: url.href };
}

/** Ends it with what the browser brought. Throws `VendorError` `invalid`, with what to do, when it cannot be taken. */
export async function finishInstall(
  options: InstallOptions,
  answer: InstallAnswer,
  signal: AbortSignal,
): Promise<Workspace> {
  const { apiUrl, clientId, clientSecret } = options;
  const granted = await takeAnswer(
    keepingOf(options),
    answer,
    { vendor: 'Linear', act: 'installation', refuse: invalid },
    ({ verifier, redirectUri }: { verifier: string; redirectUri: string }, code) => {
      const client = { client_id: clientId, client_secret: clientSecret, code_verifier: verifier };
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
      return requestToken(apiUrl, { ...form, ...client }, signal);
    },
  );
  const workspace = await readIdentity(apiUrl, granted.accessToken, signal);
  const { id: organization, name, urlKey, appUserId } = workspace;
  const { scope } = granted;
  await keepInstall(keepingOf(options), organization, { name, urlKey, appUserId, scope }, granted);
  return workspace;
}

function lostBecause({ id, about: who, lost }: Connection): VendorError {
  return disconnected(`the workspace ${about.parse(who).name} was lost: ${lost}.`, id);
}

function invalid(problem: string): VendorError {
  return new VendorError(`${problem} Begin again with \`shipmate connect linear\`.`, {
    code: 'invalid',
    retryable: false,
  });
}
