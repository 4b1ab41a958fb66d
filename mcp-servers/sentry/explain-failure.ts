import { oneLine } from '../outside-text.ts';

/** Sentry said no. `status` is 404 where there is no such thing, or the token may not see it. */
export class SentryFailure extends Error {
  readonly status: number;
  /** Of 429: when it takes requests again. */
  readonly retryAfterMs: number;

  constructor(message: string, status: number, retryAfterMs = 0) {
    super(message);
    this.name = 'SentryFailure';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a tool says then: what happened, and what a model, or the people behind it, can do. */
export function explainFailure(response: Response, text: string, what: string): SentryFailure {
  const { status, headers } = response;
  const after = Number(headers.get('retry-after'));
  const seconds = Number.isFinite(after) && after > 0 ? Math.ceil(after) : 10;
  return new SentryFailure(
    messageOf(status, seconds, detailOf(text), what),
    status,
    status === 429 ? seconds * 1_000 : 0,
  );
}

function messageOf(status: number, seconds: number, said: string, what: string): string {
  if (status === 429)
    return `Sentry's rate limit is used up; it takes requests again in ${seconds} s. Go on without, or ask again then.`;
  if (status === 401)
    return 'Sentry refused the token: it is wrong, or was taken back. Whoever started this server has to give it a new one.';
  if (status === 403)
    return `Sentry does not let this token read the ${what} (${said}). It needs event:read and project:read; whoever started this server has to mend that.`;
  if (status === 404)
    return `Sentry has no ${what}: it was deleted, or the token may not see it. Check what you passed.`;
  if (status === 400) return `Sentry did not take that for the ${what} (${said}). Check what you passed.`;
  if (status >= 300 && status < 400)
    return `Sentry sent us elsewhere for the ${what}: an organization or a project was renamed, or SENTRY_BASE_URL is not its address. Whoever started this server has to look.`;
  return `Sentry failed with HTTP ${status} (${said}). Try again in a minute, or go on without.`;
}

export function explainUnreachable(host: string, error: Error): Error {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  const reason = cause?.code ?? cause?.message ?? error.message;
  return new Error(`${host} could not be reached (${oneLine(reason, 100)}). Try again in a minute, or go on without.`);
}

function detailOf(text: string): string {
  if (/^\s*</.test(text)) return 'a page of HTML';
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return oneLine(typeof detail === 'string' ? detail : JSON.stringify(detail ?? text), 200);
  } catch {
    return oneLine(text, 200) || 'nothing more was said';
  }
}
