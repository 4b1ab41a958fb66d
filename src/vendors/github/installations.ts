import { createPrivateKey, createSign } from 'node:crypto';
import { VendorError } from '../../core/vendor-error.ts';
import type { GitHubKeys, Self } from './client.ts';
import { type About, disconnected, statusOf } from './errors.ts';

export type Permissions = Record<string, 'read' | 'write'>;

/** A token of an installation, for all that it may. */
export interface Held {
  id: number;
  token: string;
  expiresAt: number;
  /** When it was found which installation has the repository. */
  foundAt: number;
}

type Ask = (
  jwt: string,
  route: string,
  parameters: Record<string, unknown>,
  signal: AbortSignal,
  about: About,
) => Promise<unknown>;

interface Minted {
  token: string;
  expires_at: string;
}

const minute = 60_000;
/** A token is left alone in its last minutes: a request may take some. */
const spare = 5 * minute;

/** Which installation of the App has a repository, and its tokens: in memory only. */
export function createInstallations(keys: GitHubKeys, { ask, webUrl }: { ask: Ask; webUrl: string }) {
  /** By "owner/name" in lower case. */
  const found = new Map<string, Promise<{ id: number; at: number }>>();
  const whole = new Map<number, Promise<Minted>>();
  const narrow = new Map<string, Promise<Minted>>();
  /** How far GitHub's clock is ahead of ours. */
  let ahead = 0;

  /** Signs as the App; where GitHub's clock and ours differ too much, once more by its own. */
  async function jwt<T>(signal: AbortSignal, work: (bearer: string) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await work(signedFor(keys, Date.now() + ahead));
    } catch (error) {
      const now = skewIn(error);
      if (now === null) throw error;
      ahead = now - Date.now();
      return work(signedFor(keys, now));
    }
  }

  const askAsApp = (route: string, parameters: Record<string, unknown>, signal: AbortSignal, about: About) =>
    jwt(signal, (bearer) => ask(bearer, route, parameters, signal, about));

  /** One question for all who want to know; what fails is asked again. */
  function once<K, V>(all: Map<K, Promise<V>>, key: K, read: () => Promise<V>): Promise<V> {
    const asked = all.get(key) ?? read();
    if (!all.has(key)) {
      all.set(key, asked);
      asked.catch(() => all.get(key) === asked && all.delete(key));
    }
    return asked;
  }

  async function find(location: string, signal: AbortSignal): Promise<{ id: number; at: number }> {
    const [owner, repo] = location.split('/');
    try {
      const about = { location, isApp: true };
      const told = await askAsApp('GET /repos/{owner}/{repo}/installation', { owner, repo }, signal, about);
      return { id: (told as { id: number }).id, at: Date.now() };
    } catch (error) {
      if (!(error instanceof VendorError) || error.code !== 'not_found') throw error;
      const page = await self(signal).then(
        ({ names }) => `${webUrl}/apps/${names[0]}/installations/new`,
        () => 'the page of the App',
      );
      if (!(await isInstalledBy(owner ?? '', signal)))
        throw disconnected(
          location,
          `The GitHub App is not installed by ${owner}. Install it at ${page}.`,
          error.cause,
        );
      throw new VendorError(
        `The GitHub App is not installed on ${location}, or there is no such repository. Install it there at ${page}, or correct the repository in shipmate.yaml.`,
        { code: 'not_found', retryable: false, cause: error.cause },
      );
    }
  }

  /** Whether an owner has let the App in at all, be it on other repositories. */
  async function isInstalledBy(owner: string, signal: AbortSignal): Promise<boolean> {
    const about = { location: null, isApp: true };
    const told = await askAsApp('GET /app/installations', { per_page: 100 }, signal, about);
    const all = told as { account?: { login?: string } | null }[];
    // Of more than that, not all are here.
    return all.length === 100 || all.some(({ account }) => account?.login?.toLowerCase() === owner.toLowerCase());
  }

  async function mint(id: number, wanted: object, signal: AbortSignal, about: About): Promise<Minted> {
    const route = 'POST /app/installations/{installation_id}/access_tokens';
    return (await askAsApp(route, { installation_id: id, ...wanted }, signal, about)) as Minted;
  }

  const isFresh = ({ expires_at }: Minted, ms: number) => Date.parse(expires_at) - (Date.now() + ahead) > ms;

  /** Shared by all who ask meanwhile, so it does not end with the signal of one of them. */
  async function current<K>(
    all: Map<K, Promise<Minted>>,
    key: K,
    ms: number,
    read: () => Promise<Minted>,
  ): Promise<Minted> {
    const before = all.get(key);
    const kept = await before;
    if (kept && isFresh(kept, ms)) return kept;
    if (all.get(key) === before) all.delete(key);
    return once(all, key, read);
  }

  async function self(signal: AbortSignal): Promise<Self> {
    const told = await askAsApp('GET /app', {}, signal, { location: null, isApp: true });
    const { slug = '' } = told as { slug?: string };
    return { login: `${slug}[bot]`, isApp: true, names: [slug] };
  }

  async function withInstallation<T>(
    location: string,
    signal: AbortSignal,
    work: (id: number, foundAt: number) => Promise<T>,
  ): Promise<T> {
    const key = location.toLowerCase();
    const fresh = !found.has(key);
    const { id, at } = await abortable(
      once(found, key, () => find(location, AbortSignal.timeout(minute))),
      signal,
    );
    try {
      return await abortable(work(id, at), signal);
    } catch (error) {
      if (fresh || !(error instanceof VendorError) || statusOf(error.cause) !== 404) throw error;
      found.delete(key); // it was removed, and perhaps installed again
      whole.delete(id);
      return withInstallation(location, signal, work);
    }
  }

  return {
    jwt,
    self,

    /** The installation that has a repository, with a token that is good for some minutes. */
    of: (location: string, signal: AbortSignal): Promise<Held> =>
      withInstallation(location, signal, async (id, foundAt) => {
        const about = { location, isApp: true, installationId: id };
        const minted = await current(whole, id, spare, () => mint(id, {}, AbortSignal.timeout(minute), about));
        return { id, token: minted.token, expiresAt: Date.parse(minted.expires_at), foundAt };
      }),

    /** For one repository, with these permissions only. */
    narrow: (location: string, permissions: Permissions, minutes: number, signal: AbortSignal): Promise<string> =>
      withInstallation(location, signal, async (id) => {
        const [, name = ''] = location.split('/');
        const about = { location, isApp: true, installationId: id, permissions };
        const key = `${id} ${location.toLowerCase()} ${JSON.stringify(permissions)}`;
        const wanted = { repositories: [name], permissions };
        const made = () => mint(id, wanted, AbortSignal.timeout(minute), about);
        return (await current(narrow, key, minutes * minute, made)).token;
      }),

    /** After a request was refused with this status: whether it is worth asking again with what is found out anew. */
    forget(location: string, held: Held, status: number): boolean {
      if (status === 401) {
        // What ended one token (a suspension, say) ended all of them.
        whole.delete(held.id);
        for (const key of narrow.keys()) if (key.startsWith(`${held.id} `)) narrow.delete(key);
        return true;
      }
      if (status !== 404 || Date.now() - held.foundAt < minute) return false;
      found.delete(location.toLowerCase());
      return true;
    },
  };
}

/** Waits no longer than the signal lets. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    stopped.promise.catch(() => {});
  }
}

/** What GitHub says the time is, where it refuses a signature for its time. */
function skewIn(error: unknown): number | null {
  const refused = error instanceof VendorError ? error.cause : error;
  const { message = '', response } = refused as { message?: string; response?: { headers?: { date?: string } } };
  if (statusOf(refused) !== 401 || !/'(Expiration time|Issued at)' claim/.test(message)) return null;
  const now = Date.parse(response?.headers?.date ?? '');
  return Number.isNaN(now) ? null : now;
}

function signedFor({ appId, privateKey }: GitHubKeys, nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  // GitHub takes ten minutes at most; half a minute for a clock that is behind ours.
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: now - 30, exp: now + 540, iss: appId })}`;
  try {
    return `${text}.${createSign('RSA-SHA256')
      .update(text)
      .sign(createPrivateKey(privateKey ?? ''), 'base64url')}`;
  } catch (error) {
    throw new VendorError(
      'GITHUB_PRIVATE_KEY is no private key that can be read. Make a new one on the page of the App, under Private keys.',
      { code: 'unauthorized', retryable: false, cause: error },
    );
  }
}
