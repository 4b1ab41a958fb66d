import { VendorError } from '../../core/vendor-error.ts';

/** What was asked, so that people are told where to look. */
export interface About {
  /** "owner/name"; null: it is of no one repository. */
  location: string | null;
  isApp: boolean;
  installationId?: number;
  permissions?: Record<string, string>;
  webUrl?: string;
}

/** What octokit keeps of an answer that is an error; without a `response` there was none. */
interface Refused {
  name?: string;
  status?: number;
  message?: string;
  cause?: unknown;
  response?: { status?: number; headers?: Record<string, string | number | undefined>; data?: unknown };
  /** Of GraphQL. */
  errors?: { type?: string; message?: string }[];
  headers?: Record<string, string | number | undefined>;
}

interface Said {
  message?: string;
  errors?: ({ message?: string; field?: string; code?: string; resource?: string } | string)[];
}

/** The status of GitHub's answer; 0: there was none. */
export function statusOf(error: unknown): number {
  const { status, response } = (error ?? {}) as Refused;
  return response === undefined ? 0 : (status ?? 0);
}

const unknownWaitMs = 60_000;

/** Any error of a request, in our words. */
export function readError(error: unknown, about: About, now: number): VendorError {
  if (error instanceof VendorError) return error;
  const refused = (error ?? {}) as Refused;
  const made = (code: string, retryable: boolean, message: string, retryAfterMs: number | null = null) =>
    new VendorError(message, { code, retryable, retryAfterMs, cause: error });
  if (refused.name === 'GraphqlResponseError') return readGraphqlError(refused, about, made, now);
  const { response } = refused;
  if (response === undefined) {
    const cause = refused.cause as Error | undefined;
    const isLate = refused.name === 'TimeoutError' || cause?.name === 'TimeoutError';
    const why = isLate ? 'no answer within 20 s' : (cause?.message ?? refused.message ?? 'unknown');
    return made('unavailable', true, `GitHub does not answer: ${why}.`);
  }
  const status = refused.status ?? response.status ?? 0;
  const headers = response.headers ?? {};
  const said = typeof response.data === 'object' ? (response.data as Said) : null;
  const text = said?.message ?? '';
  const where = about.location ?? 'GitHub';
  if (isLimited(status, headers, text))
    return made(
      'rate_limited',
      true,
      /secondary|abuse/i.test(text)
        ? 'GitHub asks us to wait: too much was asked of it in a short time.'
        : 'GitHub asks us to wait: we have used up what it allows in an hour.',
      waitMsOf(headers, now),
    );
  if (!/json/.test(String(headers['content-type'] ?? 'json')))
    return made(
      'unavailable',
      true,
      `Something answers ${status} in GitHub's place, and not in its language: a proxy, or a server in maintenance. If it goes on, check GITHUB_API_URL.`,
    );
  if (status >= 500) return made('unavailable', true, `GitHub does not answer: ${status}${text && `, "${text}"`}.`);
  if (status === 401) return lockedOut(about.location, unauthorized(about, text), error);
  if (status === 403 && about.location !== null && /suspended/i.test(text)) return suspended(about, error);
  if (status === 403) return made(...forbidden(about, text));
  if (status === 404 || status === 410 || status === 451)
    return made(
      'not_found',
      false,
      `GitHub has nothing there, or does not show it to us: ${where} (${text || status}).`,
    );
  if (status === 409 && /empty/i.test(text))
    return made('invalid', false, `${where} is empty: push a first commit to it.`);
  if (status === 409) return made('conflict', false, `GitHub refuses: ${text} (${where}).`);
  return made('invalid', false, `GitHub refuses what was asked of ${where}: ${detailsOf(said) || status}.`);
}

function isLimited(status: number, headers: Record<string, unknown>, text: string): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    String(headers['x-ratelimit-remaining']) === '0' ||
    headers['retry-after'] !== undefined ||
    /rate limit|abuse/i.test(text)
  );
}

function waitMsOf(headers: Record<string, unknown>, now: number): number {
  const after = Number(headers['retry-after']);
  if (headers['retry-after'] !== undefined && Number.isFinite(after)) return Math.max(after, 1) * 1000;
  const reset = Number(headers['x-ratelimit-reset']) * 1000;
  if (String(headers['x-ratelimit-remaining']) === '0' && Number.isFinite(reset)) return Math.max(reset - now, 1000);
  return unknownWaitMs;
}

function unauthorized({ isApp }: About, text: string): string {
  const remedy = isApp
    ? 'Check GITHUB_APP_ID and GITHUB_PRIVATE_KEY, or make a new key on the page of the App.'
    : 'Set GITHUB_TOKEN to one that is valid, or connect a GitHub App with `shipmate connect github`.';
  return `GitHub does not let us in: ${text || 'bad credentials'}. ${remedy}`;
}

/**
 * Nothing of an owner's repositories can be asked until people have let the App in again; then it goes on by itself. Others' go
 * on meanwhile.
 */
export function disconnected(location: string, why: string, cause: unknown): VendorError {
  return lockedOut(location, `${why} What is to be done there waits.`, cause);
}

/** Our key, or what it opened, is refused: that waits for people. `location` null: it was asked of no one repository. */
export function lockedOut(location: string | null, message: string, cause?: unknown): VendorError {
  const [account = ''] = (location ?? '').toLowerCase().split('/');
  return new VendorError(message, {
    ...{ code: 'disconnected', retryable: true, retryAfterMs: 60_000, cause },
    ...(account !== '' && { account }),
  });
}

function suspended({ location, installationId, webUrl }: About, cause: unknown): VendorError {
  const page = `${webUrl}/settings/installations${installationId === undefined ? '' : `/${installationId}`}`;
  const why = `The GitHub App is suspended on ${location}. Somebody who may must unsuspend it at ${page}.`;
  return disconnected(location ?? '', why, cause);
}

function forbidden(about: About, text: string): [code: string, retryable: boolean, message: string] {
  const { location, installationId, webUrl, permissions } = about;
  const where = location ?? 'GitHub';
  const page =
    installationId === undefined
      ? `${webUrl}/settings/installations`
      : `${webUrl}/settings/installations/${installationId}`;
  if (/archived/i.test(text))
    return [
      'invalid',
      false,
      `${where} is archived, so nothing can be written there. Unarchive it, or take it out of shipmate.yaml.`,
    ];
  if (/not accessible by integration/i.test(text)) {
    const wanted = permissions
      ? ` (${Object.entries(permissions)
          .map((each) => each.join(': '))
          .join(', ')})`
      : '';
    return [
      'unauthorized',
      false,
      `The GitHub App may not do that on ${where}${wanted}. Accept the permissions that it asks for at ${page}.`,
    ];
  }
  if (/SAML|SSO/.test(text))
    return [
      'unauthorized',
      false,
      `${where} wants single sign-on: authorize the token for its organization on GitHub.`,
    ];
  return ['unauthorized', false, `GitHub does not allow it on ${where}: ${text || 'forbidden'}.`];
}

/** What a 422 says, of which the message alone is "Validation Failed". */
function detailsOf(said: Said | null): string {
  const details = (said?.errors ?? []).map((each) => {
    if (typeof each === 'string') return each;
    return each.message ?? [each.resource, each.field, each.code].filter(Boolean).join(' ');
  });
  return [said?.message, ...details].filter(Boolean).join('; ').slice(0, 600);
}

/** Whether GitHub refused with a 422 that says something like this. */
export function isRefusedFor(error: unknown, what: RegExp): boolean {
  return error instanceof VendorError && error.code === 'invalid' && what.test(error.message);
}

function readGraphqlError(
  { errors = [], headers = {} }: Refused,
  about: About,
  made: (code: string, retryable: boolean, message: string, retryAfterMs?: number | null) => VendorError,
  now: number,
): VendorError {
  const [{ type = '', message = 'no reason' } = {}] = errors;
  if (type === 'RATE_LIMITED' || /rate limit/i.test(message))
    return made(
      'rate_limited',
      true,
      'GitHub asks us to wait: we have used up what it allows in an hour.',
      waitMsOf(headers, now),
    );
  if (type === 'NOT_FOUND') return made('not_found', false, `GitHub has nothing there: ${message}`);
  if (type === 'FORBIDDEN') return made(...forbidden(about, message));
  if (/something went wrong|timeout|timed out/i.test(message))
    return made('unavailable', true, `GitHub does not answer: ${message}`);
  return made('invalid', false, `GitHub refuses what was asked of ${about.location ?? 'it'}: ${message}`);
}
