import { type CloudClient, createCloudClient } from 'jira.js/cloud';
import type { Client, SendRequestOptions } from 'jira.js/core';
import { JiraError, readRefusal, unanswered, webPage } from './errors.ts';

/** Where a site is. */
export interface JiraAddress {
  /** As people open it: "https://acme.atlassian.net". */
  url: string;
  /** Asked through the gateway, as tokens with scopes and OAuth have to be; null: the site itself. */
  cloudId: string | null;
}

export type JiraAuth =
  | { type: 'basic'; email: string; apiToken: string }
  /** `refused`: a token that was sent and not taken, so that there is to be another; null: any. */
  | { type: 'bearer'; token(refused: string | null, signal: AbortSignal): Promise<string> };

/** One site of Jira. */
export interface JiraClient {
  /** The site's host, by which it is told from others. */
  host: string;
  /** As people open it, without a slash at its end. */
  url: string;
  /** What REST paths are added to: the site, or the gateway. */
  baseUrl: string;
  /**
   * The calls of jira.js, each ended by the signal or after 20 s. What they are given to stand in a path is encoded. Dates come as
   * `Date`, or, in an answer that is not as jira.js knows it, as text: `timeOf` reads both. Throw `JiraError`.
   */
  on(signal: AbortSignal): CloudClient;
  /** The value of an `authorization` header; `refused`: one that was sent and not taken. */
  authorization(refused: string | null, signal: AbortSignal): Promise<string>;
}

const answerWithinMs = 20_000;
const gateway = 'https://api.atlassian.com';

export function createJiraClient(options: {
  site: JiraAddress;
  auth: JiraAuth;
  now?: (() => number) | undefined;
  /** In place of https://api.atlassian.com. */
  apiUrl?: string | undefined;
}): JiraClient {
  const { site, auth, now = Date.now, apiUrl = gateway } = options;
  const { host, origin: url } = new URL(site.url);
  // Who cannot reach the gateway may well reach the site.
  const place = site.cloudId === null ? host : `${host}, asked by ${new URL(apiUrl).host}`;
  const baseUrl = site.cloudId === null ? url : `${apiUrl}/ex/jira/${encodeURIComponent(site.cloudId)}`;

  async function authorization(refused: string | null, signal: AbortSignal): Promise<string> {
    if (auth.type === 'basic') return `Basic ${Buffer.from(`${auth.email}:${auth.apiToken}`).toString('base64')}`;
    return `Bearer ${await auth.token(refused?.replace(/^Bearer /, '') ?? null, signal)}`;
  }

  async function ask(request: SendRequestOptions, credentials: string, signal: AbortSignal) {
    const { method = 'GET', body, headers } = request;
    const isForm = body instanceof FormData;
    // Some calls without a body are refused without its type.
    const type = isForm || method === 'GET' ? {} : { 'content-type': 'application/json' };
    const until = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
    try {
      const answer = await fetch(`${baseUrl}${request.url}${queryOf(request.searchParams)}`, {
        method,
        headers: { accept: 'application/json', ...type, ...headers, authorization: credentials },
        ...(body !== undefined && body !== null && { body: isForm ? body : JSON.stringify(body) }),
        redirect: 'manual',
        signal: until,
      });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    } catch (error) {
      signal.throwIfAborted();
      throw unanswered(place, error);
    }
  }

  async function sendRequest<T>(request: SendRequestOptions<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    let credentials = await authorization(null, signal);
    let answer = await ask(request, credentials, signal);
    if (answer.status === 401 && auth.type === 'bearer' && !/scope does not match/i.test(answer.text)) {
      credentials = await authorization(credentials, signal);
      answer = await ask(request, credentials, signal);
    }
    const { status, headers, text } = answer;
    const isRefused =
      status < 200 || status >= 300 || /AUTHENTICATED_FAILED/.test(headers.get('x-seraph-loginreason') ?? '');
    if (isRefused) throw readRefusal(host, { ...answer, text: without(credentials, text) }, now());
    if (status === 204 || text === '') return undefined as T;
    if (!/\bjson\b/i.test(headers.get('content-type') ?? '')) throw webPage(host, status);
    const data = parse(text);
    // What Jira adds or changes is borne: whoever reads it looks at what he needs.
    return request.schema?.safeParse(data).data ?? (data as T);
  }

  function parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw unanswered(place, error);
    }
  }

  /** Nobody is shown a credential, not even where a proxy says it back. */
  function without(credentials: string, text: string): string {
    const secrets = [credentials.replace(/^\w+ /, ''), ...(auth.type === 'basic' ? [auth.apiToken] : [])];
    return secrets.reduce((clean, secret) => (secret === '' ? clean : clean.replaceAll(secret, '***')), text);
  }

  return {
    host,
    url,
    baseUrl,
    authorization,
    on(signal) {
      const client: Client = { sendRequest: (request) => sendRequest(request, signal) };
      return withSafePaths(createCloudClient(client), host);
    },
  };
}

/** A time of an answer as ISO 8601, UTC; ''. */
export function timeOf(value: unknown): string {
  const at = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? '' : new Date(at).toISOString();
}

function queryOf(parameters: Record<string, unknown> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    for (const each of Array.isArray(value) ? value : [value])
      if (each !== undefined && each !== null)
        query.append(name, typeof each === 'object' ? JSON.stringify(each) : String(each));
  return query.size === 0 ? '' : `?${query}`;
}

/** What jira.js writes into paths as it is. None of these is in a body of the calls that we make. */
const inPaths = [
  'issueIdOrKey',
  'projectIdOrKey',
  'issueTypeId',
  'id',
  'commentId',
  'linkId',
  'propertyKey',
  'fieldId',
];

function withSafePaths(api: CloudClient, host: string): CloudClient {
  const encode = (given: unknown): unknown => {
    if (typeof given !== 'object' || given === null) return given;
    const safe: Record<string, unknown> = { ...given };
    for (const name of inPaths) {
      const value = safe[name];
      if (typeof value !== 'string') continue;
      if (/^\.{0,2}$/.test(value) || !value.isWellFormed())
        throw new JiraError(`Jira (${host}) does not have it: "${value}" names nothing.`, {
          ...{ code: 'not_found', retryable: false, status: 404 },
        });
      safe[name] = encodeURIComponent(value);
    }
    return safe;
  };
  type Calls = Record<string, (given: unknown) => Promise<unknown>>;
  return new Proxy(api, {
    get: (groups, group) =>
      new Proxy(Reflect.get(groups, group) as Calls, {
        get: (calls, name: string) => async (given: unknown) => calls[name]?.(encode(given)),
      }),
  });
}
