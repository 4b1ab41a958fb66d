import { z } from 'zod';
import { cleanLine } from '../core/outside-text.ts';
import { VendorError } from '../core/vendor-error.ts';

/** Where a vendor gives tokens by OAuth 2.0. */
export interface TokenEndpoint {
  /** As people call it. */
  vendor: string;
  url: string;
  /** How it takes what it is asked with. */
  encoding: 'form' | 'json';
  /** The words of OAuth by which it says no to what it is shown. All else may come from something between, and says nothing of that. */
  refusals: readonly string[];
  /** Of a token that does not say how long it lasts. */
  usualSeconds: number;
}

export interface Granted {
  accessToken: string;
  /** By our clock. */
  expiresAt: number;
  refreshToken: string | null;
  /** What was granted, which may be less than was asked for. */
  scope: string[];
}

/** The token endpoint said no to what it was shown: asking the same again is no use. */
export class Refused extends Error {}

const granted = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().optional(),
  refresh_token: z.string().min(1).nullish(),
  scope: z.union([z.string(), z.array(z.string())]).default(''),
});

const refusal = z.object({ error: z.string().optional(), error_description: z.string().optional() });

const timeoutMs = 20_000;

/** Asks for a token. Throws `Refused` with what the vendor said, or `VendorError` (`unavailable`, `rate_limited`). */
export async function requestToken(
  endpoint: TokenEndpoint,
  fields: Record<string, string>,
  signal: AbortSignal,
): Promise<Granted> {
  const { vendor, url, refusals, usualSeconds } = endpoint;
  const askedAt = Date.now();
  const { status, text, retryAfter } = await post(endpoint, fields, signal);
  const body = parse(text);
  if (status === 200) {
    const read = granted.safeParse(body);
    if (!read.success) throw unavailable(`${url} answered something that is no token.`);
    const { access_token: accessToken, expires_in: seconds = usualSeconds, refresh_token, scope } = read.data;
    const listed = Array.isArray(scope) ? scope : scope.split(/[\s,]+/).filter((each) => each !== '');
    return { accessToken, expiresAt: askedAt + seconds * 1000, refreshToken: refresh_token ?? null, scope: listed };
  }
  const said = sayingOf(body, status, Object.values(fields));
  if (status === 429 || /ratelimited/i.test(text))
    throw new VendorError(`${vendor} asks us to wait before another token: ${said}.`, {
      code: 'rate_limited',
      retryable: true,
      retryAfterMs: retryAfter,
    });
  const { error } = refusal.safeParse(body).data ?? {};
  if (status >= 400 && status < 500 && error !== undefined && refusals.includes(error)) throw new Refused(said);
  throw unavailable(`${url} answered ${said}.`);
}

async function post({ url, encoding }: TokenEndpoint, fields: Record<string, string>, signal: AbortSignal) {
  const isJson = encoding === 'json';
  try {
    const response = await fetch(url, {
      method: 'POST',
      ...(isJson && { headers: { 'content-type': 'application/json' } }),
      body: isJson ? JSON.stringify(fields) : new URLSearchParams(fields),
      redirect: 'error', // what is posted is a secret
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const seconds = Number(response.headers.get('retry-after'));
    return {
      status: response.status,
      text: await response.text(),
      retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 60_000,
    };
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(`${url} cannot be reached: ${reasonOf(error)}.`, error);
  }
}

/** `invalid_grant: it has expired`, in one line and without what we sent. */
function sayingOf(body: unknown, status: number, sent: string[]): string {
  const { error, error_description: description } = refusal.safeParse(body).data ?? {};
  const words = [error, description].filter((each) => each !== undefined && each !== '').join(': ');
  const plain = cleanLine(words === '' ? `HTTP ${status}` : `${words} (HTTP ${status})`, 300);
  return sent.reduce((text, secret) => (secret.length < 10 ? text : text.replaceAll(secret, '[redacted]')), plain);
}

export function unavailable(message: string, cause?: unknown): VendorError {
  return new VendorError(message, { code: 'unavailable', retryable: true, cause });
}

/** What fetch hides behind "fetch failed". */
export function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cleanLine(cause?.code ?? cause?.message ?? (error as Error).message, 200);
}

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
