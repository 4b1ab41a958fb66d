import type { paths } from '@octokit/openapi-types';
import { explainFailure, explainUnreachable } from './explain-failure.ts';

/** Operations that read, by the path that GitHub's description gives them. */
type ReadPath = {
  [Path in keyof paths]: paths[Path] extends {
    get: { responses: { 200: { content: { 'application/json': unknown } } } };
  }
    ? Path
    : never;
}[keyof paths];

type Answer<Path extends ReadPath> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Values = Record<string, string | number>;

export interface GitHubOptions {
  repository: string;
  apiUrl: string;
  token: () => Promise<string>;
}

/** One repository of GitHub, read. Every method throws an `Error` whose message says what to do about it. */
export interface GitHub {
  /** "owner/name" */
  repository: string;
  /** `values` fill the path, and what the path does not name is the query. `what` is for the message where there is no such thing. */
  get<Path extends ReadPath & `/repos/{owner}/{repo}${string}`>(
    path: Path,
    values: Values,
    asked: { what: string; signal: AbortSignal },
  ): Promise<Answer<Path>>;
  /** The log of a job as it was stored. The caller reads it, or cancels it by the signal. */
  openLog(job: number, signal: AbortSignal): Promise<{ stream: AsyncIterable<Uint8Array>; secrets: string[] }>;
}

/**
 * A few GET requests need no client library: octokit alone would take a third of this server's time to start, which each
 * session pays, and brings retries that outlast a call.
 */
export function createGitHub({ repository, apiUrl, token }: GitHubOptions): GitHub {
  const [owner = '', repo = '', more] = repository.split('/');
  const isName = (name: string) => /^[\w.-]{1,100}$/.test(name) && !/^\.+$/.test(name);
  if (!isName(owner) || !isName(repo) || more !== undefined)
    throw new Error(`${JSON.stringify(repository)} is no repository; write OWNER/NAME.`);
  if (!URL.canParse(apiUrl) || !/^https?:$/.test(new URL(apiUrl).protocol))
    throw new Error(`GITHUB_API_URL is not the URL of an API: ${JSON.stringify(apiUrl)}.`);

  async function request(path: string, values: Values, signal: AbortSignal): Promise<Response> {
    const query = new URLSearchParams();
    const named = new Set(['owner', 'repo']);
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      named.add(name);
      return encodeURIComponent(name === 'owner' ? owner : name === 'repo' ? repo : String(values[name]));
    });
    for (const [name, value] of Object.entries(values)) if (!named.has(name)) query.set(name, String(value));
    const url = `${apiUrl.replace(/\/+$/, '')}${filled}${query.size > 0 ? `?${query}` : ''}`;
    return ask(url, signal);
  }

  /** Redirects are left to the caller: the token goes nowhere else. */
  async function ask(url: string, signal: AbortSignal): Promise<Response> {
    const headers = {
      authorization: `Bearer ${await token()}`,
      accept: 'application/vnd.github+json',
      'user-agent': 'shipmate-mcp-ci-logs',
      'x-github-api-version': '2022-11-28',
    };
    return reach(url, { headers, redirect: 'manual', signal });
  }

  return {
    repository,
    async get(path, values, { what, signal }) {
      const response = await follow(await request(path, values, signal), (url) => {
        // A repository that was renamed: its new address is at the same API.
        if (new URL(url).origin === new URL(apiUrl).origin) return ask(url, signal);
        throw new Error(`${repository} has moved; whoever started this server has to name the new one.`);
      });
      if (!response.ok) throw await explainFailure(response, { repository, what });
      const text = await response.text();
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`${apiUrl} did not answer as GitHub's API does, but with ${kindOf(response)}. ${checkAddress}`);
      }
    },

    async openLog(job, signal) {
      const what = `log of job ${job}`;
      const path = '/repos/{owner}/{repo}/actions/jobs/{job_id}/logs';
      // The link is valid for a minute, and its host refuses the token: it is not sent there.
      const response = await follow(await request(path, { job_id: job }, signal), (url) => reach(url, { signal }));
      if (!response.ok) throw await explainFailure(response, { repository, what });
      if (/text\/html/.test(response.headers.get('content-type') ?? '')) {
        await response.body?.cancel();
        throw new Error(`Instead of the ${what} came a page of HTML. ${checkAddress}`);
      }
      return { stream: read(response, signal), secrets: [await token()] };
    },
  };
}

const checkAddress =
  'A proxy may stand in between, or GITHUB_API_URL may be wrong; whoever started this server has to look.';

async function follow(response: Response, to: (url: string) => Promise<Response>): Promise<Response> {
  const location = response.headers.get('location');
  if (response.status < 300 || response.status > 399 || location === null) return response;
  await response.body?.cancel();
  return to(new URL(location, response.url).href);
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    init.signal?.throwIfAborted();
    throw explainUnreachable(new URL(url).host, error as Error);
  }
}

function kindOf(response: Response): string {
  return response.headers.get('content-type')?.split(';')[0] ?? 'something';
}

async function* read(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    if (response.body) yield* response.body;
  } catch (error) {
    signal.throwIfAborted();
    throw explainUnreachable(new URL(response.url).host, error as Error);
  }
}
