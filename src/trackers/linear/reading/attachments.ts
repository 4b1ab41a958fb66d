import { mediaTypeOf } from '../../../core/media-types.ts';
import type { Attachment } from '../../../core/ticket.ts';
import type { VendorError } from '../../../core/vendor-error.ts';
import { readAtMost } from '../../../lib/read-at-most.ts';
import { authorizationOf } from '../connecting/authorization.ts';
import type { LinearTokens } from '../connecting/tokens.ts';
import { LinearError } from '../errors.ts';

/** A file that people wrote into a text, as Linear keeps it: a link to its own store. */
export interface Upload {
  url: string;
  name: string;
}

const uploadsHost = 'uploads.linear.app';
const maxBytes = 10_000_000;
const mostFiles = 50;
const mostHops = 3;
const answerWithinMs = 20_000;
const sizedAtOnce = 20;

const link = /!?\[([^\]\n]{0,300})\]\(\s*<?(https?:\/\/[^\s()<>]{1,2000})>?(?:\s+"[^"\n]{0,300}")?\s*\)/g;
const bareLink = /https?:\/\/[^\s()<>"'\]|]{1,2000}/g;

/** Files in texts, in their order, each once. Only what lies in Linear's own store is one: nothing else is given our token. */
export function findUploads(texts: readonly string[], apiUrl: string): Upload[] {
  const found = new Map<string, Upload>();
  for (const text of texts) {
    for (const [, label = '', written = ''] of text.matchAll(link)) {
      const url = uploadUrl(written, apiUrl);
      if (url && !found.has(url)) found.set(url, { url, name: label.trim() || lastPart(url) });
    }
    for (const [written] of text.matchAll(bareLink)) {
      const url = uploadUrl(written, apiUrl);
      if (url && !found.has(url)) found.set(url, { url, name: lastPart(url) });
    }
  }
  return [...found.values()].slice(0, mostFiles);
}

/** A text without its files, to see whether anything else in it changed. */
export function withoutUploads(text: string, apiUrl: string): string {
  const drop = (whole: string, url: string) => (uploadUrl(url, apiUrl) ? '' : whole);
  return text
    .replace(link, (whole: string, _label: string, url: string) => drop(whole, url))
    .replace(bareLink, (url) => drop(url, url));
}

/** The same file under the same URL, whatever is asked beside it; null: it is not in Linear's store. */
function uploadUrl(written: string, apiUrl: string): string | null {
  if (!URL.canParse(written)) return null;
  const { protocol, host, origin, pathname, username } = new URL(written);
  if (username !== '') return null;
  const isStore = protocol === 'https:' && host === uploadsHost && pathname.length > 1;
  // Elsewhere than at Linear one server may be both. Of the API itself nothing is a file.
  const isBeside = origin === new URL(apiUrl).origin && pathname.startsWith('/uploads/');
  return isStore || isBeside ? `${origin}${pathname}` : null;
}

function lastPart(url: string): string {
  const part = new URL(url).pathname.split('/').at(-1) || 'file';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Reads what people attached, and how large it is. */
export interface UploadReader {
  /** With their sizes, as far as they are to be had: 0 where not. What is known once stays known. */
  describe(workspace: string, uploads: readonly Upload[], signal: AbortSignal): Promise<Attachment[]>;
  /** Throws `VendorError` `not_found`, `invalid` for one that is too large, and as `LinearClient` does. */
  read(workspace: string, url: string, signal: AbortSignal): Promise<Uint8Array>;
}

export function createUploadReader({ apiUrl, tokens }: { apiUrl: string; tokens: LinearTokens }): UploadReader {
  const sizes = new Map<string, { bytes: number; mediaType: string | null }>();

  /** A redirection leads to a place of its own with leave of its own: our token stays here. */
  async function open(workspace: string, url: string, method: 'GET' | 'HEAD', signal: AbortSignal): Promise<Response> {
    let token = await tokens.token(workspace, null, signal);
    let hasNewToken = false;
    let at = url;
    for (let hop = 0; hop <= mostHops; hop++) {
      const isOurs = uploadUrl(at, apiUrl) !== null;
      const authorization = authorizationOf(token);
      const answer = await ask(at, method, isOurs ? { authorization } : {}, signal);
      if (answer.status === 401 && isOurs && !hasNewToken) {
        await answer.body?.cancel();
        token = await tokens.token(workspace, token, signal);
        hasNewToken = true;
        continue;
      }
      const next = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null;
      if (next === null) return answer;
      await answer.body?.cancel();
      if (!URL.canParse(next, at)) break;
      at = new URL(next, at).href;
      if (new URL(at).protocol !== 'https:' && uploadUrl(at, apiUrl) === null) break;
    }
    throw noFile();
  }

  return {
    async describe(workspace, uploads, signal) {
      const unknown = uploads.filter(({ url }) => !sizes.has(url)).slice(0, sizedAtOnce);
      await Promise.all(
        unknown.map(async ({ url }) => {
          const answer = await open(workspace, url, 'HEAD', signal).catch(() => null);
          signal.throwIfAborted();
          const bytes = Number(answer?.headers.get('content-length') ?? Number.NaN);
          if (!answer?.ok || !Number.isFinite(bytes)) return;
          if (sizes.size >= 1_000) sizes.clear();
          const mediaType = answer.headers.get('content-type')?.split(';')[0]?.trim() || null;
          sizes.set(url, { bytes, mediaType });
        }),
      );
      return uploads.map(({ url, name }) => {
        const { bytes = 0, mediaType = null } = sizes.get(url) ?? {};
        return { id: url, name, mediaType: mediaTypeOf(name) ?? mediaType ?? 'application/octet-stream', bytes };
      });
    },

    async read(workspace, id, signal) {
      signal.throwIfAborted();
      const url = uploadUrl(id, apiUrl);
      if (url === null) throw noFile();
      const answer = await open(workspace, url, 'GET', signal);
      if (!answer.ok) {
        await answer.body?.cancel();
        throw refused(answer.status);
      }
      return readBody(answer, signal);
    },
  };
}

async function ask(
  url: string,
  method: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  try {
    const until = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
    return await fetch(url, { method, headers, redirect: 'manual', signal: until });
  } catch (error) {
    signal.throwIfAborted();
    throw away(error);
  }
}

async function readBody(answer: Response, signal: AbortSignal): Promise<Uint8Array> {
  const body = await readAtMost(answer.body, maxBytes).catch((error: unknown) => {
    signal.throwIfAborted();
    throw away(error);
  });
  if (body) return body;
  throw tooLarge();
}

function refused(status: number): VendorError {
  if (status === 429)
    return new LinearError('Linear asks us to wait.', { code: 'rate_limited', retryable: true, retryAfterMs: 60_000 });
  if (status >= 500)
    return new LinearError(`Linear cannot give the file at present: HTTP status ${status}.`, unavailable);
  return noFile();
}

const unavailable = { code: 'unavailable', retryable: true };

function away(error: unknown): LinearError {
  return new LinearError(`Linear does not give the file: ${(error as Error).message}.`, {
    ...unavailable,
    cause: error,
  });
}

function noFile(): LinearError {
  return new LinearError('There is no such file on this ticket.', { code: 'not_found', retryable: false });
}

function tooLarge(): LinearError {
  return new LinearError('The file is larger than 10 MB. Link to it instead.', { code: 'invalid', retryable: false });
}
