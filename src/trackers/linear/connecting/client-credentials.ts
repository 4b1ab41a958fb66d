import { z } from 'zod';
import { openSecret, sealSecret } from '../../../lib/secret-box.ts';
import type { Connection, Connections } from '../../connections.ts';
import { type Granted, Refused } from '../../token-endpoint.ts';
import { disconnected, isDisconnected } from './disconnected.ts';
import { createIdentities } from './identity.ts';
import { requestToken, scopes } from './oauth.ts';
import type { LinearTokens } from './tokens.ts';

export const clientKind = 'linear-client';

const held = z.object({ accessToken: z.string(), renewAt: z.number(), expiresAt: z.number() });
type Held = z.output<typeof held>;

const about = z.object({ scope: z.array(z.string()).default([]), gotAt: z.array(z.number()).default([]) });

/** Of its life; the last day and a half of thirty are for finding another one. */
const renewedAfter = 0.95;
/** Tokens of one minute: each makes the one before it invalid, so two that fetch in turns would lock each other out. */
const mostInAMinute = 3;
/** One process asks again so long after a no. */
const askAgainAfterMs = 20_000;

/**
 * The app's own token, by its id and secret. Only the newest is valid, so all processes share it through the database, and of
 * those that find it refused one fetches the next.
 */
export function createClientCredentials(options: {
  apiUrl: string;
  clientId: string;
  clientSecret: string;
  connections: Connections;
}): LinearTokens {
  const { apiUrl, clientId, clientSecret, connections } = options;
  const identities = createIdentities(apiUrl);
  const purpose = `${clientKind} ${clientId}`;
  let known: Held | null = null;
  let said: { at: number; why: string } | null = null;
  /** Until then one that still works is gone on with, although another could not be had. */
  let contentUntil = 0;

  /** What cannot be opened is got anew: there is nothing in it that could not be. */
  function open(connection: Connection | null): Held | null {
    if (!connection?.sealed || connection.lost !== null) return null;
    const text = openSecret(clientSecret, purpose, connection.sealed);
    return text === null ? null : held.parse(JSON.parse(text));
  }

  function isGood(token: Held, refused: string | null): boolean {
    if (token.accessToken === refused) return false;
    const now = Date.now();
    return token.expiresAt > now && (token.renewAt > now || contentUntil > now);
  }

  /** Under the lock: nobody else fetches meanwhile. */
  async function renew(current: Connection | null, refused: string | null, signal: AbortSignal) {
    const old = open(current);
    if (old !== null && isGood(old, refused)) return null;
    const { gotAt } = about.parse(current?.about ?? {});
    const recent = gotAt.filter((at) => at > Date.now() - 60_000);
    if (recent.length >= mostInAMinute)
      throw disconnected(
        `it has refused ${recent.length} tokens within a minute of giving them. Another installation that uses the same app would do that: give each its own app.`,
      );
    let granted: Granted;
    try {
      const form = { grant_type: 'client_credentials', scope: scopes.join(',') };
      granted = await requestToken(apiUrl, { ...form, client_id: clientId, client_secret: clientSecret }, signal);
    } catch (error) {
      if (error instanceof Refused)
        return { about: current?.about ?? {}, sealed: current?.sealed ?? null, lost: error.message };
      if (old === null || old.accessToken === refused || old.expiresAt <= Date.now()) throw error;
      contentUntil = Date.now() + 60_000;
      return null;
    }
    const { accessToken, expiresAt, scope } = granted;
    const renewAt = Date.now() + (expiresAt - Date.now()) * renewedAfter;
    return {
      about: { scope, gotAt: [...recent, Date.now()] },
      sealed: sealSecret(clientSecret, purpose, JSON.stringify({ accessToken, renewAt, expiresAt } satisfies Held)),
      lost: null,
    };
  }

  async function token(refused: string | null, signal: AbortSignal): Promise<string> {
    if (known !== null && isGood(known, refused)) return known.accessToken;
    known = null;
    const stored = open(await connections.read(clientKind, clientId));
    if (stored !== null && isGood(stored, refused)) known = stored;
    else {
      if (said !== null && said.at > Date.now() - askAgainAfterMs) throw lost(said.why);
      const renewed = await connections.update(clientKind, clientId, (current) => renew(current, refused, signal));
      said = renewed?.lost ? { at: Date.now(), why: renewed.lost } : null;
      if (said !== null) throw lost(said.why);
      known = open(renewed);
    }
    if (known === null) throw disconnected('its token could not be kept.');
    return known.accessToken;
  }

  return {
    async workspaces(signal) {
      const first = await token(null, signal);
      try {
        return [await identities.of(clientId, first, signal)];
      } catch (error) {
        if (!isDisconnected(error)) throw error;
        return [await identities.of(clientId, await token(first, signal), signal)];
      }
    },
    token: (_workspace, refused, signal) => token(refused, signal),
  };
}

function lost(why: string): Error {
  return disconnected(
    `it gives no token for LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET: ${why}. Client credentials must be switched on in the app's settings, and a new secret there makes the old one useless.`,
  );
}
