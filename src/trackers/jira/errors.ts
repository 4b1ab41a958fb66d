import { cleanLine } from '../../core/outside-text.ts';
import { ofAccount, VendorError } from '../../core/vendor-error.ts';

/** Jira said no to a request, or nothing. */
export class JiraError extends VendorError {
  /** Of the answer; 0: there was none, and what was asked for may have been done. */
  readonly status: number;
  /** What it has against single fields, by their ids. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    message: string,
    options: ConstructorParameters<typeof VendorError>[1] & Partial<Pick<JiraError, 'status' | 'fields'>>,
  ) {
    super(message, options);
    this.status = options.status ?? 0;
    this.fields = options.fields ?? {};
  }
}

/** An answer that is none. */
export interface Refusal {
  status: number;
  headers: Headers;
  text: string;
}

const longest = 600;
const usualWaitMs = 30_000;

/** `site`: its host, which is the account that lets us in no more, or that asks us to wait. */
export function readRefusal(site: string, { status, headers, text }: Refusal, now: number): JiraError {
  const { says, fields, isJson } = wordsOf(text, headers);
  const error = (code: string, retryable: boolean, message: string) =>
    new JiraError(message, {
      ...{ code, retryable, status, fields },
      ...(retryable && { retryAfterMs: waitMsOf(headers, now) }),
    });
  const why = says === '' ? `HTTP status ${status}` : says;
  // A wrong token makes a visitor of us, to whom a site answers that nothing is there.
  const isVisitor = /AUTHENTICATED_FAILED|AUTHENTICATION_DENIED/.test(headers.get('x-seraph-loginreason') ?? '');
  if (status === 401 && /scope does not match/i.test(text))
    return error(
      'unauthorized',
      false,
      `Jira (${site}) does not let our token do this, for it lacks a scope. Make one with the scopes that \`shipmate connect jira\` names.`,
    );
  if (status === 401 || isVisitor)
    return disconnected(
      site,
      `Jira (${site}) does not accept our credentials. Look with \`shipmate connect jira --check\` whether the token has expired, belongs to that address, and is for this site. What waits goes on by itself then.`,
      status,
    );
  if (status === 429) {
    const reason = headers.get('ratelimit-reason') ?? '';
    const told = { retryable: true, status, retryAfterMs: waitMsOf(headers, now) ?? usualWaitMs };
    // Of writes to one issue, each is counted by itself: nothing else has to wait.
    if (/per-issue/.test(reason))
      return new JiraError(`Jira (${site}) asks us to wait: one ticket was written to too often just now.`, {
        ...{ code: 'unavailable', ...told },
      });
    const limited = /quota/.test(reason) ? 'what it allows in an hour is used up' : 'it was asked too often just now';
    const message = `Jira (${site}) asks us to wait: ${limited}.`;
    return new JiraError(message, { code: 'rate_limited', ...told, account: site });
  }
  if (status >= 300 && status < 400)
    return error('unavailable', true, `Jira (${site}) sends us elsewhere. See that the address of the site is right.`);
  if (status >= 500 || status === 408 || status === 425)
    return error('unavailable', true, `Jira (${site}) cannot do it at present: ${why}.`);
  if (!isJson && text !== '') return webPage(site, status);
  if (status === 404 || status === 410)
    return error('not_found', false, `Jira (${site}) does not have it, or not for us: ${why}`);
  if (status === 409 || status === 412)
    return error('conflict', true, `Jira (${site}) is busy with it, or it was changed meanwhile: ${why}`);
  if (status === 403)
    return error(
      'invalid',
      false,
      `Jira (${site}) does not permit it to the agent: ${why} See that its account has the permissions that \`shipmate connect jira\` names in that project.`,
    );
  return error('invalid', false, `Jira (${site}) refused it: ${why}`);
}

/** Nothing can be asked of a site until people connect it again; then it goes on by itself. */
export function disconnected(site: string, message: string, status = 0): JiraError {
  return new JiraError(message, {
    ...{ code: 'disconnected', retryable: true, retryAfterMs: 60_000, account: site, status },
  });
}

/** The same with the site as its account, so that the tickets of others are not held up. */
export function ofSite<Thrown>(error: Thrown, site: string): Thrown | VendorError {
  return error instanceof VendorError ? ofAccount(error, site) : error;
}

/** What a proxy, a login, or a site that is asleep shows. */
export function webPage(site: string, status: number): JiraError {
  return new JiraError(
    `Something at ${site} answers with a web page in place of Jira. See that the address is right, that the site is awake, and that no proxy or list of allowed addresses stands before it.`,
    { code: 'unavailable', retryable: true, status },
  );
}

/** There was no answer, or only a part of one. */
export function unanswered(site: string, cause: unknown): JiraError {
  const { name, message, cause: deeper } = cause as Error;
  const why =
    name === 'TimeoutError' ? 'no answer within 20 s' : ((deeper as Error | undefined)?.message ?? message) || name;
  return new JiraError(`Jira (${site}) does not answer: ${cleanLine(why, longest)}.`, {
    ...{ code: 'unavailable', retryable: true, status: 0, cause },
  });
}

function wordsOf(text: string, headers: Headers): { says: string; fields: Record<string, string>; isJson: boolean } {
  const isJson = /\bjson\b/i.test(headers.get('content-type') ?? '');
  const body = isJson ? parse(text) : null;
  if (typeof body !== 'object' || body === null) {
    const isPlain = !isJson && !/[<>]/.test(text);
    return { says: isPlain ? cleanLine(text, longest) : '', fields: {}, isJson: isJson || isPlain };
  }
  const { errorMessages, errors, message } = body as Record<string, unknown>;
  const fields = Object.fromEntries(
    Object.entries(typeof errors === 'object' && errors !== null ? errors : {}).map(([id, why]) => [id, String(why)]),
  );
  const said = [
    ...(Array.isArray(errorMessages) ? errorMessages.map(String) : []),
    ...Object.entries(fields).map(([id, why]) => `${id}: ${why}`),
    ...(typeof message === 'string' ? [message] : []),
  ];
  return { says: cleanLine(said.join(' '), longest), fields, isJson };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Seconds, or a date. */
function waitMsOf(headers: Headers, now: number): number | null {
  const said = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(said)) return Number(said) * 1000;
  const at = said === '' ? Number.NaN : Date.parse(said);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
