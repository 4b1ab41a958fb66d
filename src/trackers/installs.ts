import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { openSecret, sealSecret } from '../lib/secret-box.ts';
import type { Connection, Connections } from './connections.ts';
import { type Granted, Refused } from './token-endpoint.ts';

/** Where the tokens of accounts are kept that people have let an app of ours into by OAuth. */
export interface InstallKeeping {
  connections: Connections;
  /** The adapter's own word for these connections. */
  kind: string;
  /** What they are encrypted with: the app's own secret. */
  secret: string;
}

const held = z.object({
  accessToken: z.string(),
  expiresAt: z.number(),
  refreshToken: z.string().nullable(),
});
type Held = z.output<typeof held>;

const requestLivesMs = 10 * 60_000;
/** One process asks for another token so long after it could not have one. */
const askAgainAfterMs = 60_000;

/** Keeps what the answer of a browser needs, encrypted, and answers the state that it has to bring. */
export async function beginRequest(keeping: InstallKeeping, kept: Record<string, string>): Promise<string> {
  const { connections, kind, secret } = keeping;
  const state = randomBytes(32).toString('base64url');
  const id = requestId(state);
  await connections.addRequest(kind, id, sealSecret(secret, `${kind} request ${id}`, JSON.stringify(kept)));
  return state;
}

/** What a browser brings back from the page on which people let the app in. */
export interface InstallAnswer {
  state?: string;
  code?: string;
  error?: string;
}

/**
 * Exchanges an answer for tokens: with what `beginRequest` has kept for it, once, within ten minutes. `act`: what people call it ("consent").
 * Throws what `refuse` makes of why it cannot be taken, and `VendorError` where nobody can tell now.
 */
export async function takeAnswer<Kept extends Record<string, string>>(
  keeping: InstallKeeping,
  { state = '', code, error }: InstallAnswer,
  { vendor, act, refuse }: { vendor: string; act: string; refuse: (problem: string) => Error },
  exchange: (kept: Kept, code: string) => Promise<Granted>,
): Promise<Granted> {
  const kept = await takeRequest(keeping, state);
  if (kept === null)
    throw refuse(
      `This answer belongs to no ${act} that was begun here in the last ten minutes, or it was used already.`,
    );
  if (error === 'access_denied') throw refuse(`The ${act} was declined in ${vendor}.`);
  if (error !== undefined || !code) throw refuse(`${vendor} did not complete the ${act}.`);
  try {
    return await exchange(kept as Kept, code);
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    throw refuse(`${vendor} gave no token for this ${act}: ${thrown.message}.`);
  }
}

/** null: there is none. */
async function takeRequest({ connections, kind, secret }: InstallKeeping, state: string): Promise<unknown> {
  const id = requestId(state);
  const sealed = await connections.takeRequest(kind, id, requestLivesMs);
  const text = sealed && openSecret(secret, `${kind} request ${id}`, sealed);
  return text ? JSON.parse(text) : null;
}

/** The state itself is not kept: whoever reads the table cannot answer for a browser. */
function requestId(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}

/** Keeps tokens that were just granted, in place of those of before. */
export async function keepInstall(keeping: InstallKeeping, id: string, about: unknown, tokens: Granted): Promise<void> {
  await keeping.connections.update(keeping.kind, id, async () => ({
    about,
    sealed: seal(keeping, id, tokens),
    lost: null,
  }));
}

export interface InstallTokens {
  /**
   * A token that is believed to be good. `refused` is one that the vendor has refused since: then another is got, by one process
   * for all. Throws `VendorError`.
   */
  token(id: string, refused: string | null, signal: AbortSignal): Promise<string>;
}

export function createInstallTokens(
  options: InstallKeeping & {
    /** Throws `Refused` where there is nothing to be had with it any more, or `VendorError`. */
    refresh(refreshToken: string, signal: AbortSignal): Promise<Granted>;
    /** So long before one ends another is asked for. */
    refreshBeforeMs: number;
    /** What people are told where there is no token: nobody has connected it, it was lost, or another secret has sealed it. */
    unknown(id: string): Error;
    lostBecause(connection: Connection): Error;
    sealedOtherwise(connection: Connection): Error;
  },
): InstallTokens {
  const { connections, kind, secret, refreshBeforeMs } = options;
  const known = new Map<string, Held>();
  /** Until then one that still works is gone on with, although another could not be had. */
  const contentUntil = new Map<string, number>();

  function isGood(id: string, { accessToken, expiresAt }: Held, refused: string | null): boolean {
    const now = Date.now();
    if (accessToken === refused || expiresAt <= now) return false;
    return expiresAt > now + refreshBeforeMs || (contentUntil.get(id) ?? 0) > now;
  }

  function open({ id, sealed }: Connection): Held | null {
    const text = sealed === null ? null : openSecret(secret, `${kind} ${id}`, sealed);
    return text === null ? null : held.parse(JSON.parse(text));
  }

  /**
   * Under the lock: a refresh token may be used once. Should this process die between the answer and its commit, vendors
   * take the old one again for some minutes, and whoever comes next shows it.
   */
  async function refresh(current: Connection | null, refused: string | null, signal: AbortSignal) {
    if (current === null || current.lost !== null) return null;
    const old = open(current);
    if (old === null || isGood(current.id, old, refused)) return null;
    const { about, sealed } = current;
    if (old.refreshToken === null) return { about, sealed, lost: 'its token has ended and cannot be refreshed' };
    let granted: Granted;
    try {
      granted = await options.refresh(old.refreshToken, signal);
    } catch (error) {
      if (error instanceof Refused) return { about, sealed, lost: error.message };
      if (old.accessToken === refused || old.expiresAt <= Date.now()) throw error;
      contentUntil.set(current.id, Date.now() + askAgainAfterMs);
      return null;
    }
    const next = { ...granted, refreshToken: granted.refreshToken ?? old.refreshToken };
    return { about, sealed: seal(options, current.id, next), lost: null };
  }

  return {
    async token(id, refused, signal) {
      const cached = known.get(id);
      if (cached && isGood(id, cached, refused)) return cached.accessToken;
      known.delete(id);
      let stored = await connections.read(kind, id);
      let now = stored && open(stored);
      if (stored?.lost === null && now !== null && !isGood(id, now, refused)) {
        stored = await connections.update(kind, id, (current) => refresh(current, refused, signal));
        now = stored && open(stored);
      }
      if (stored === null) throw options.unknown(id);
      if (stored.lost !== null) throw options.lostBecause(stored);
      if (now === null) throw options.sealedOtherwise(stored);
      known.set(id, now);
      return now.accessToken;
    },
  };
}

function seal({ kind, secret }: InstallKeeping, id: string, tokens: Held): Uint8Array {
  const { accessToken, expiresAt, refreshToken } = tokens;
  return sealSecret(secret, `${kind} ${id}`, JSON.stringify({ accessToken, expiresAt, refreshToken } satisfies Held));
}
