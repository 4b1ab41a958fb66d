import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { VendorError } from '../../../core/vendor-error.ts';
import { openSecret, sealSecret } from '../../../lib/secret-box.ts';
import type { Connection, Connections } from '../../connections.ts';
import { disconnected } from './disconnected.ts';
import { readIdentity } from './identity.ts';
import { type Granted, oauthEndpoints, Refused, requestToken, scopes } from './oauth.ts';
import type { LinearTokens, Workspace } from './tokens.ts';

export const installKind = 'linear-install';

const held = z.object({
  accessToken: z.string(),
  expiresAt: z.number(),
  refreshToken: z.string().nullable(),
});
type Held = z.output<typeof held>;

const about = z.object({
  name: z.string(),
  urlKey: z.string(),
  appUserId: z.string(),
  scope: z.array(z.string()).default([]),
});

/** Of the 24 hours that one lasts. */
const refreshBeforeMs = 10 * 60_000;
const requestLivesMs = 10 * 60_000;
/** One process asks for another token so long after it could not have one. */
const askAgainAfterMs = 60_000;

export interface InstallOptions {
  apiUrl: string;
  clientId: string;
  clientSecret: string;
  connections: Connections;
}

/** Tokens of the workspaces that admins have installed the app in. */
export function createInstalls({ apiUrl, clientId, clientSecret, connections }: InstallOptions): LinearTokens {
  const known = new Map<string, Held>();
  /** Until then a workspace's token that still works is gone on with, although another could not be had. */
  const contentUntil = new Map<string, number>();

  function isGood(workspace: string, { accessToken, expiresAt }: Held, refused: string | null): boolean {
    const now = Date.now();
    if (accessToken === refused || expiresAt <= now) return false;
    return expiresAt > now + refreshBeforeMs || (contentUntil.get(workspace) ?? 0) > now;
  }

  function open(connection: Connection): Held | null {
    const text =
      connection.sealed === null ? null : openSecret(clientSecret, purposeOf(connection.id), connection.sealed);
    return text === null ? null : held.parse(JSON.parse(text));
  }

  /**
   * Under the lock: a refresh token may be used once. Should this process die between the answer and its commit, Linear
   * takes the old one again for some minutes, and whoever comes next shows it.
   */
  async function refresh(current: Connection | null, refused: string | null, signal: AbortSignal) {
    if (current === null || current.lost !== null) return null;
    const old = open(current);
    if (old === null || isGood(current.id, old, refused)) return null;
    const { about: who, sealed } = current;
    if (old.refreshToken === null) return { about: who, sealed, lost: 'its token has ended and cannot be refreshed' };
    let granted: Granted;
    try {
      const form = { grant_type: 'refresh_token', refresh_token: old.refreshToken };
      granted = await requestToken(apiUrl, { ...form, client_id: clientId, client_secret: clientSecret }, signal);
    } catch (error) {
      if (error instanceof Refused) return { about: who, sealed, lost: error.message };
      if (old.accessToken === refused || old.expiresAt <= Date.now()) throw error;
      contentUntil.set(current.id, Date.now() + askAgainAfterMs);
      return null;
    }
    const next = { ...granted, refreshToken: granted.refreshToken ?? old.refreshToken };
    return { about: who, sealed: seal(clientSecret, current.id, next), lost: null };
  }

  async function token(workspace: string, refused: string | null, signal: AbortSignal): Promise<string> {
    const cached = known.get(workspace);
    if (cached && isGood(workspace, cached, refused)) return cached.accessToken;
    known.delete(workspace);
    let stored = await connections.read(installKind, workspace);
    let now = stored && open(stored);
    if (stored?.lost === null && now !== null && !isGood(workspace, now, refused)) {
      stored = await connections.update(installKind, workspace, (current) => refresh(current, refused, signal));
      now = stored && open(stored);
    }
    if (stored === null) throw disconnected(`the app is not installed in the workspace ${workspace}.`, workspace);
    const { name } = about.parse(stored.about);
    if (stored.lost !== null) throw lostBecause(stored);
    if (now === null)
      throw disconnected(
        `the tokens of the workspace ${name} cannot be decrypted: LINEAR_CLIENT_SECRET is another than when it was connected. Reconnect it, or set that secret again.`,
        workspace,
      );
    known.set(workspace, now);
    return now.accessToken;
  }

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
  const { apiUrl, clientId, clientSecret, connections } = options;
  const state = randomBytes(32).toString('base64url');
  const verifier = randomBytes(48).toString('base64url');
  const id = requestId(state);
  await connections.addRequest(
    installKind,
    id,
    sealSecret(clientSecret, `${installKind} request ${id}`, JSON.stringify({ verifier, redirectUri })),
  );
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
  answer: { state?: string; code?: string; error?: string },
  signal: AbortSignal,
): Promise<Workspace> {
  const { apiUrl, clientId, clientSecret, connections } = options;
  const id = requestId(answer.state ?? '');
  const sealed = await connections.takeRequest(installKind, id, requestLivesMs);
  const text = sealed && openSecret(clientSecret, `${installKind} request ${id}`, sealed);
  if (!text)
    throw invalid(
      'This answer belongs to no installation that was begun here in the last ten minutes, or it was used already.',
    );
  if (answer.error !== undefined || !answer.code)
    throw invalid(
      answer.error === 'access_denied'
        ? 'The installation was declined in Linear.'
        : 'Linear did not complete the installation.',
    );
  const { verifier, redirectUri } = z.object({ verifier: z.string(), redirectUri: z.string() }).parse(JSON.parse(text));
  const form = { grant_type: 'authorization_code', code: answer.code, redirect_uri: redirectUri };
  let granted: Granted;
  try {
    const client = { client_id: clientId, client_secret: clientSecret, code_verifier: verifier };
    granted = await requestToken(apiUrl, { ...form, ...client }, signal);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw invalid(`Linear gave no token for this installation: ${error.message}.`);
  }
  const workspace = await readIdentity(apiUrl, granted.accessToken, signal);
  const { id: organization, name, urlKey, appUserId } = workspace;
  await connections.update(installKind, organization, async () => ({
    about: { name, urlKey, appUserId, scope: granted.scope },
    sealed: seal(clientSecret, organization, granted),
    lost: null,
  }));
  return workspace;
}

function lostBecause({ id, about: who, lost }: Connection): VendorError {
  return disconnected(`the workspace ${about.parse(who).name} was lost: ${lost}.`, id);
}

const purposeOf = (workspace: string) => `${installKind} ${workspace}`;

function seal(clientSecret: string, workspace: string, { accessToken, expiresAt, refreshToken }: Held): Uint8Array {
  const text = JSON.stringify({ accessToken, expiresAt, refreshToken } satisfies Held);
  return sealSecret(clientSecret, purposeOf(workspace), text);
}

/** The state itself is not kept: whoever reads the table cannot answer for a browser. */
function requestId(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}

function invalid(problem: string): VendorError {
  return new VendorError(`${problem} Begin again with \`shipmate connect linear\`.`, {
    code: 'invalid',
    retryable: false,
  });
}
