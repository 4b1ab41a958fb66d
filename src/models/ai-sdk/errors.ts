import { VendorError } from '../../core/vendor-error.ts';

export interface ErrorContext {
  /** `provider:name`. */
  id: string;
  keyName: string;
  apiKey: string | null;
}

/** What the packages' errors have in common, whichever of them it is. */
interface SdkError {
  name?: string;
  message?: string;
  statusCode?: number;
  isRetryable?: boolean;
  responseHeaders?: Record<string, string>;
  responseBody?: string;
  /** Of an error that came inside a stream. */
  type?: string;
  data?: unknown;
  cause?: unknown;
}

interface Meaning {
  code: string;
  retryable: boolean;
  remedy?: string;
  /** Where the vendor says nothing of it. */
  retryAfterMs?: number;
}

/**
 * The vendor's answer as `VendorError`, or the error itself where it is not the vendor's. The original is not kept as a
 * cause: it carries the whole request.
 */
export function toVendorError(error: unknown, context: ErrorContext): unknown {
  if (error instanceof VendorError || typeof error !== 'object' || error === null) return error;
  const sdk = error as SdkError;
  const meaning = meaningOf(sdk, context);
  if (!meaning) return error;
  const said = withoutKey(sdk.message || `HTTP ${sdk.statusCode}`, context.apiKey);
  const status = sdk.statusCode === undefined || sdk.statusCode < 400 ? '' : ` (${sdk.statusCode})`;
  return new VendorError(`${context.id}${status}: ${said}${meaning.remedy ? `. ${meaning.remedy}` : ''}`, {
    code: meaning.code,
    retryable: meaning.retryable && sdk.responseHeaders?.['x-should-retry'] !== 'false',
    retryAfterMs: retryAfterMs(sdk) ?? meaning.retryAfterMs ?? null,
  });
}

function meaningOf(error: SdkError, { id, keyName }: ErrorContext): Meaning | null {
  const status = error.statusCode;
  const text = `${error.type ?? ''} ${error.message ?? ''} ${error.responseBody ?? ''} ${JSON.stringify(error.data) ?? ''}`;
  switch (error.name) {
    case 'AI_APICallError':
    case 'AI_StreamProviderError':
      if (status === undefined && brokeOff.test(codesOf(error.cause))) return unanswered;
      return meaningOfAnswer(status, text, error.isRetryable ?? false, id, keyName);
    case 'AI_NoOutputGeneratedError':
    case 'AI_InvalidResponseDataError':
    case 'AI_EmptyResponseBodyError':
    case 'AI_JSONParseError':
    case 'AI_TypeValidationError':
      return { code: 'cut_stream', retryable: true };
    default:
      return null;
  }
}

function meaningOfAnswer(
  status: number | undefined,
  text: string,
  retryable: boolean,
  id: string,
  keyName: string,
): Meaning {
  if (spent.test(text) || status === 402)
    return {
      code: 'spend_limit',
      retryable: false,
      remedy: 'Raise the limit or add credit at the vendor, then say "continue"',
    };
  if (status === 401 || status === 403 || /API_KEY_INVALID|API key not valid/i.test(text))
    return { code: 'unauthorized', retryable: false, remedy: `Check ${keyName}` };
  if (status === 529 || /overloaded/i.test(text)) return { code: 'overloaded', retryable: true };
  if (status === 429) return { code: 'rate_limited', retryable: true };
  if (status === 413 || (status === 400 && tooLong.test(text))) return { code: 'context_overflow', retryable: false };
  if (status === 404)
    return { code: 'invalid', retryable: false, remedy: `Check the name in "${id}" (model) and the base URL` };
  if (status === undefined) return { code: 'unavailable', retryable: true };
  if (status < 400) return { code: 'cut_stream', retryable: true };
  if (gatewayTimeouts.has(status)) return unanswered;
  if (status === 409 || status >= 500) return { code: 'unavailable', retryable: true };
  return { code: 'invalid', retryable };
}

/** No reply came, and yet the vendor may have made one that it asks money for. At once it would hardly go better. */
const unanswered: Meaning = { code: 'cut_stream', retryable: true, retryAfterMs: 60_000 };

/** Somebody on the way gave up waiting. */
const gatewayTimeouts = new Set([408, 504, 524]);

/** The connection was there, and was lost before the reply. */
const brokeOff = /\b(ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR_(SOCKET|HEADERS_TIMEOUT|BODY_TIMEOUT))\b/;

function codesOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return '';
  const { code, syscall, cause: deeper } = cause as { code?: unknown; syscall?: unknown; cause?: unknown };
  return `${syscall === 'connect' ? '' : code} ${codesOf(deeper)}`;
}

/** Bodies that say the money is gone, under whatever status; waiting does not help. */
const spent =
  /insufficient_quota|billing_hard_limit|billing_not_active|billing_error|credit balance is too low|spend(ing)? limit|specified API usage limits/i;

const tooLong =
  /prompt is too long|context_length_exceeded|maximum context length|context window|input token count.*exceeds|exceeds the (available )?context size|too many tokens/i;

/** What the vendor asked us to wait, from any of the places where vendors say it. */
function retryAfterMs({ responseHeaders = {}, responseBody = '' }: SdkError): number | null {
  const exact = Number.parseFloat(responseHeaders['retry-after-ms'] ?? '');
  if (exact >= 0) return exact;
  const header = responseHeaders['retry-after'];
  if (header !== undefined) {
    const seconds = Number(header);
    const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
    if (!Number.isNaN(ms)) return Math.max(0, Math.ceil(ms));
  }
  const inBody = /"retryDelay":\s*"([\d.]+)s"/.exec(responseBody)?.[1];
  return inBody === undefined ? null : Math.ceil(Number(inBody) * 1000);
}

function withoutKey(message: string, key: string | null): string {
  return key ? message.replaceAll(key, '[key]') : message;
}
