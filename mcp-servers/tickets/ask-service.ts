import { Unreachable } from './desk.ts';
import { serviceOf } from './service-url.ts';

/**
 * A `fetch` for requests to the service. Whatever keeps them from being answered is an error that says so: `Unreachable` where
 * the same may be sent again later. An answer is read to its end before it is handed on, so that one that breaks off is told
 * from one that takes long. Nothing is redirected: the token is for this address.
 */
export function askService(endpoint: URL, stop: AbortSignal): typeof fetch {
  const service = serviceOf(endpoint);
  return async (target, init = {}) => {
    // The SDK would listen for what the service has to say by itself: nothing.
    if (init.method === 'GET') return new Response(null, { status: 405 });
    const signal = init.signal ? AbortSignal.any([stop, init.signal]) : stop;
    let response: Response;
    let body: string;
    try {
      response = await fetch(target, { ...init, redirect: 'manual', signal });
      body = await response.text();
    } catch (error) {
      signal.throwIfAborted();
      throw new Unreachable(`Shipmate at ${service} cannot be reached: ${reasonOf(error)}.`);
    }
    judge(response, body, service);
    const { status, headers } = response;
    return new Response(body === '' ? null : body, {
      status,
      headers: { 'content-type': headers.get('content-type') ?? '' },
    });
  };
}

function judge(response: Response, body: string, service: string): void {
  const { status, headers } = response;
  const at = `Shipmate at ${service}`;
  const type = headers.get('content-type') ?? '';
  const isPage = /html/i.test(type) || /^\s*</.test(body);
  if (status >= 300 && status < 400) {
    const location = headers.get('location') ?? '';
    const target = URL.canParse(location, service) ? new URL(location, service).origin : 'elsewhere';
    throw new Unreachable(
      `${at} redirects to ${target}. If it has moved, run "shipmate login URL" with its new address.`,
    );
  }
  if (isPage && status !== 404 && status < 500)
    throw new Unreachable(
      `What answers at ${service} is a web page (HTTP ${status}), not Shipmate: a proxy or a sign-in page, perhaps.`,
    );
  const said = sentenceOf(body);
  if (status === 401 || status === 403) {
    const why = said || `${at} does not let this token in (HTTP ${status}).`;
    throw new Error(/shipmate login/.test(why) ? why : `${why} Run "shipmate login ${service}".`);
  }
  if (status === 404)
    throw new Unreachable(`Nothing answers at ${service}/mcp (HTTP 404): an older Shipmate, or another address.`);
  if (status === 408 || status === 429 || status >= 500)
    throw new Unreachable(`${at} cannot take it now (HTTP ${status})${said ? `: ${said}` : '.'}`);
  if (status >= 400) throw new Error(`${at} refused it (HTTP ${status})${said ? `: ${said}` : '.'}`);
  // What only notifies is accepted without a word. An answer begins with what it is.
  const isAnswer = /json/i.test(type) ? body !== '' : /event-stream/i.test(type) && /^data:.*\S/m.test(body);
  if (status !== 202 && !isAnswer) throw new Unreachable(`The answer of ${at} broke off.`);
}

/** What the service says in an answer that is none: JSON of some form, or plain text. */
function sentenceOf(body: string): string {
  const text = body.trim();
  if (text === '' || text.startsWith('<')) return '';
  let said: unknown = text;
  try {
    const json = JSON.parse(text);
    said = json?.error?.message ?? json?.error_description ?? json?.message ?? json?.error;
  } catch {
    // plain text
  }
  return typeof said === 'string' ? said.replace(/\s+/g, ' ').slice(0, 500) : '';
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'the connection is refused',
  ENOTFOUND: 'nobody knows a machine of that name',
  EAI_AGAIN: 'names cannot be looked up now',
  ECONNRESET: 'the connection broke off',
  UND_ERR_SOCKET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way there',
  ENETUNREACH: 'there is no network',
};

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error & { code?: string } };
  const code = cause?.code ?? '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code))
    return `its certificate is not trusted here (${code}); NODE_EXTRA_CA_CERTS names a file with the one that signs it`;
  return reasons[code] ?? (cause?.message || message);
}
