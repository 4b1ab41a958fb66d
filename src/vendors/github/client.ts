import type { Octokit } from 'octokit';
import { VendorError } from '../../core/vendor-error.ts';
import { type About, readError, statusOf } from './errors.ts';
import { createEtagCache } from './etag-cache.ts';
import { createInstallations, type Permissions } from './installations.ts';
import { webUrlOf } from './web-url.ts';

/** An App's id and key (PEM), or a token of a user. */
export interface GitHubKeys {
  /** "https://api.github.com", or of an Enterprise Server "https://HOST/api/v3". */
  apiUrl: string;
  appId: string | null;
  privateKey: string | null;
  token: string | null;
  fetch?: typeof fetch | undefined;
}

export interface Answer<T> {
  data: T;
  headers: Record<string, string | number | undefined>;
}

export type Parameters = Record<string, unknown>;

/** As whom we act. */
export interface Self {
  /** "shipmate[bot]", or the login of the account whose token it is. */
  login: string;
  isApp: boolean;
  /** What people write after an @. */
  names: readonly string[];
}

/** All throw `VendorError`, and the signal's reason where that has fired. */
export interface GitHubClient {
  /** Where people look: "https://github.com". */
  readonly webUrl: string;
  readonly isApp: boolean;
  self(signal: AbortSignal): Promise<Self>;
  /**
   * One request: `route` as in "GET /repos/{owner}/{repo}". With an `owner` and `repo` by the installation that has it, else as
   * the App itself; a token does for all. `by`: "owner/name" whose installation asks, where the parameters do not say. A GET
   * whose answer has not changed costs nothing; do not change what is answered.
   */
  ask<T>(route: string, parameters: Parameters, signal: AbortSignal, by?: string): Promise<Answer<T>>;
  /** What is asked of one repository, "owner/name". */
  on(location: string): RepositoryReach;
  /**
   * A token for this one repository that may do just this ("contents": "write"), good for an hour; of those who have one token,
   * that. `minutes`: how long it must still be good at least; Infinity: a new one is made. Keep it nowhere.
   */
  tokenFor(location: string, permissions: Permissions, signal: AbortSignal, minutes?: number): Promise<string>;
}

export interface RepositoryReach {
  get<T>(route: string, parameters: Parameters, signal: AbortSignal): Promise<T>;
  /** All pages of it, each as `get`; of an answer with one list beside other members that list. */
  list<T>(route: string, parameters: Parameters, signal: AbortSignal): Promise<T[]>;
  /** Writes; it is sent once. */
  send<T>(route: string, parameters: Parameters, signal: AbortSignal): Promise<T>;
  /** What a route redirects to, as it comes; the token stays behind. null: there is nothing (any more). */
  stream(route: string, parameters: Parameters, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | null>;
  /** `$owner` and `$repo` are filled in where the document has them. */
  graphql<T>(document: string, variables: Parameters, signal: AbortSignal): Promise<T>;
}

const answerWithinMs = 20_000;
const apiVersion = '2022-11-28';
const perPage = 100;
const mostPages = 100;

/** Nothing is asked, and nothing big loaded, until it is used. */
export function createGitHubClient(keys: GitHubKeys): GitHubClient {
  const { apiUrl, token, fetch: through = fetch } = keys;
  const webUrl = webUrlOf(apiUrl);
  const isApp = token === null;
  const etags = createEtagCache();
  let opened: Promise<Octokit> | null = null;
  let known: Self | null = null;

  /** It takes a tenth of a second and 20 MB to load. What is limited or fails is told, not slept over: waiting is for all processes at once. */
  function open(): Promise<Octokit> {
    opened ??= import('octokit').then(
      ({ Octokit }) =>
        new Octokit({
          baseUrl: apiUrl,
          userAgent: 'shipmate',
          retry: { enabled: false },
          throttle: { enabled: false },
          log: { debug() {}, info() {}, warn() {}, error() {} },
          request: { fetch: through },
        }),
    );
    return opened;
  }

  async function sendAs(
    bearer: string,
    route: string,
    parameters: Parameters,
    signal: AbortSignal,
    more: { headers?: Record<string, string>; request?: object } = {},
  ) {
    const octokit = await open();
    return octokit.request(route, {
      ...parameters,
      headers: { ...more.headers, authorization: `Bearer ${bearer}`, 'x-github-api-version': apiVersion },
      request: { ...more.request, signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]) },
    });
  }

  /** Every error in our words. */
  async function told<T>(about: About, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw readError(error, { webUrl, ...about }, Date.now());
    }
  }

  const installations = createInstallations(keys, {
    webUrl,
    ask: async (jwt, route, parameters, signal, about) =>
      told(about, signal, async () => (await sendAs(jwt, route, parameters, signal)).data),
  });

  /**
   * With the token of whom the repository has let in. A token that is refused is made anew, once: nothing was done with it. One
   * whose installation is gone may have another by now.
   */
  async function within<T>(
    location: string | null,
    signal: AbortSignal,
    work: (bearer: string, account: string) => Promise<T>,
  ): Promise<T> {
    const about: About = { location, isApp };
    if (token !== null) return told(about, signal, () => work(token, 'token'));
    if (location === null) {
      const { jwt } = installations;
      return told(about, signal, () => jwt(signal, (bearer) => work(bearer, 'app')));
    }
    const held = await installations.of(location, signal);
    try {
      return await told({ ...about, installationId: held.id }, signal, () => work(held.token, `${held.id}`));
    } catch (error) {
      if (!(error instanceof VendorError) || !installations.forget(location, held, statusOf(error.cause))) throw error;
      const again = await installations.of(location, signal);
      return told({ ...about, installationId: again.id }, signal, () => work(again.token, `${again.id}`));
    }
  }

  async function ask<T>(
    route: string,
    parameters: Parameters,
    signal: AbortSignal,
    by: string | null = locationIn(parameters),
  ): Promise<Answer<T>> {
    return within(by, signal, async (bearer, account) => {
      const isGet = route.startsWith('GET ');
      const key = `${account} ${route} ${JSON.stringify(parameters)}`;
      const kept = isGet ? etags.get(key) : undefined;
      const headers = kept ? { 'if-none-match': kept.etag } : {};
      try {
        const { data, headers: answered } = await sendAs(bearer, route, parameters, signal, { headers });
        if (isGet && answered.etag !== undefined) etags.set(key, { etag: answered.etag, data, link: answered.link });
        return { data: data as T, headers: answered };
      } catch (error) {
        if (!kept || statusOf(error) !== 304) throw error;
        return { data: kept.data as T, headers: { link: kept.link } };
      }
    });
  }

  return {
    webUrl,
    isApp,
    ask,

    async self(signal) {
      signal.throwIfAborted();
      known ??= await (isApp ? installations.self(signal) : readUser(signal));
      return known;
    },

    tokenFor: (location, permissions, signal, minutes = 10) =>
      token !== null
        ? told({ location, isApp }, signal, async () => token)
        : installations.narrow(location, permissions, minutes, signal),

    on(location) {
      const inside = partsOf(location);
      return {
        get: async <T>(route: string, parameters: Parameters, signal: AbortSignal) =>
          (await ask<T>(route, { ...inside(), ...parameters }, signal)).data,

        async list<T>(route: string, parameters: Parameters, signal: AbortSignal) {
          const found: T[] = [];
          for (let page = 1; page <= mostPages; page++) {
            const asked = { ...inside(), per_page: perPage, ...parameters, page };
            const { data, headers } = await ask<unknown>(route, asked, signal);
            const items = listIn(data) as T[];
            found.push(...items);
            // A page that has not changed is kept with the link that it had: the last one then may not be the last now.
            if (items.length < perPage && !/\brel="next"/.test(String(headers.link ?? ''))) break;
          }
          return found;
        },

        send: async <T>(route: string, parameters: Parameters, signal: AbortSignal) =>
          (await ask<T>(route, { ...inside(), ...parameters }, signal)).data,

        stream: (route, parameters, signal) =>
          within(location, signal, async (bearer) => {
            const asked = { ...inside(), ...parameters };
            const request = { redirect: 'manual', parseSuccessResponseBody: false };
            let target: string | undefined;
            try {
              const { headers } = await sendAs(bearer, route, asked, signal, { request });
              target = headers.location;
            } catch (error) {
              if ([404, 410].includes(statusOf(error))) return null;
              throw error;
            }
            if (target === undefined) return null;
            const answer = await begin(target, signal);
            if (answer.ok) return answer.body;
            await answer.body?.cancel();
            if ([404, 410].includes(answer.status)) return null;
            throw new VendorError(`GitHub's storage answers ${answer.status}.`, {
              code: 'unavailable',
              retryable: true,
            });
          }),

        graphql: <T>(document: string, variables: Parameters, signal: AbortSignal) =>
          within(location, signal, async (bearer) => {
            const octokit = await open();
            const place = inside();
            return octokit.graphql<T>(document, {
              ...(/\$owner\b/.test(document) && { owner: place.owner }),
              ...(/\$repo\b/.test(document) && { repo: place.repo }),
              ...variables,
              headers: { authorization: `Bearer ${bearer}`, 'x-github-api-version': apiVersion },
              request: { signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]) },
            });
          }),
      };
    },
  };

  /** A storage that says nothing is waited for no longer than GitHub itself; how long reading takes is the reader's. */
  async function begin(target: string, signal: AbortSignal): Promise<Response> {
    const silent = new AbortController();
    const timer = setTimeout(() => silent.abort(new DOMException('silent', 'TimeoutError')), answerWithinMs);
    try {
      return await through(target, { signal: AbortSignal.any([signal, silent.signal]) });
    } finally {
      clearTimeout(timer);
    }
  }

  async function readUser(signal: AbortSignal): Promise<Self> {
    const { login } = (await ask<{ login: string }>('GET /user', {}, signal)).data;
    return { login, isApp: false, names: [login] };
  }
}

/** Throws where it is no "owner/name". */
function partsOf(location: string): () => { owner: string; repo: string } {
  return () => {
    const [, owner, repo] = /^([\w.-]+)\/([\w.-]+)$/.exec(location) ?? [];
    if (owner !== undefined && repo !== undefined) return { owner, repo };
    throw new VendorError(`${JSON.stringify(location)} is no repository of GitHub: it must be owner/name.`, {
      code: 'invalid',
      retryable: false,
    });
  };
}

function locationIn({ owner, repo }: Parameters): string | null {
  return typeof owner === 'string' && typeof repo === 'string' ? `${owner}/${repo}` : null;
}

function listIn(data: unknown): unknown[] {
  if (Array.isArray(data)) return data;
  return Object.values(data ?? {}).find((value) => Array.isArray(value)) ?? [];
}
