import { mediaTypeOf } from '../../../core/media-types.ts';
import type { Attachment, TicketPart } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { readAtMost } from '../../../lib/read-at-most.ts';

/** A file that people wrote into a text, as GitHub keeps it: a link to its own store. */
export interface Upload {
  url: string;
  name: string;
}

const maxBytes = 10_000_000;
const mostFiles = 50;
const mostHops = 3;
const answerWithinMs = 20_000;

const link = /!?\[([^\]\n]{0,300})\]\(\s*<?(https?:\/\/[^\s()<>]{1,2000})>?(?:\s+"[^"\n]{0,300}")?\s*\)/g;
const image = /<img\b([^>]{0,2000})>/gi;
const bareLink = /https?:\/\/[^\s()<>"'\]|]{1,2000}/g;

/** Files in a text, in their order, each once. Only what lies in GitHub's own store is one: nothing else is given our token. */
export function findUploads(text: string, webUrl: string): Upload[] {
  const found = new Map<string, Upload>();
  const add = (written: string, name: string) => {
    const url = uploadUrl(written, webUrl);
    if (url && !found.has(url)) found.set(url, { url, name: name.trim() || lastPart(url) });
  };
  const named = [
    ...[...text.matchAll(link)].map((match) => ({ at: match.index, url: match[2] ?? '', name: match[1] ?? '' })),
    ...[...text.matchAll(image)].map((match) => ({
      at: match.index,
      url: attribute(match[1] ?? '', 'src'),
      name: attribute(match[1] ?? '', 'alt'),
    })),
  ];
  for (const { url, name } of named.toSorted((a, b) => a.at - b.at)) add(url, name);
  for (const [written] of text.matchAll(bareLink)) add(written, '');
  return [...found.values()].slice(0, mostFiles);
}

function attribute(tag: string, name: string): string {
  return new RegExp(`\\b${name}\\s*=\\s*"([^"]*)"`, 'i').exec(tag)?.[1] ?? '';
}

/** What of an issue a change of its text was about: a file is added by writing it there. */
export function describedParts(before: string, after: string, webUrl: string): TicketPart[] {
  const files = (text: string) => findUploads(text, webUrl).map(({ url }) => url);
  const words = (text: string) => withoutUploads(text, webUrl).replace(/\s+/g, ' ').trim();
  const isSame = JSON.stringify(files(before)) === JSON.stringify(files(after));
  return [
    ...(words(before) === words(after) && !isSame ? [] : (['description'] as const)),
    ...(isSame ? [] : (['attachments'] as const)),
  ];
}

function withoutUploads(text: string, webUrl: string): string {
  const drop = (whole: string, url: string) => (uploadUrl(url, webUrl) ? '' : whole);
  return text
    .replace(link, (whole: string, _label: string, url: string) => drop(whole, url))
    .replace(image, (whole: string, tag: string) => drop(whole, attribute(tag, 'src')))
    .replace(bareLink, (url) => drop(url, url));
}

/** null: it is not in GitHub's store, which is beside its pages. */
function uploadUrl(written: string, webUrl: string): string | null {
  if (!URL.canParse(written)) return null;
  const { origin, pathname, username } = new URL(written);
  const isStore = /^\/(user-attachments\/(assets|files)\/.|[^/]+\/[^/]+\/(assets|files)\/\d+\/.)/.test(pathname);
  return username === '' && isStore && origin === new URL(webUrl).origin ? `${origin}${pathname}` : null;
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
  describe(repository: string, uploads: readonly Upload[], signal: AbortSignal): Promise<Attachment[]>;
  /** Throws `VendorError` `not_found`, `invalid` for one that is too large, `unavailable`. */
  read(repository: string, url: string, signal: AbortSignal): Promise<Uint8Array>;
}

export function createUploadReader(options: {
  webUrl: string;
  /** A token that reads a repository. */
  token: (repository: string, signal: AbortSignal) => Promise<string>;
  fetch?: typeof fetch | undefined;
}): UploadReader {
  const { webUrl, token, fetch: send = fetch } = options;
  const sizes = new Map<string, { bytes: number; mediaType: string | null }>();

  /** A redirection leads to a place of its own with leave of its own: our token stays here. */
  async function open(repository: string, url: string, method: string, signal: AbortSignal): Promise<Response> {
    let at = url;
    for (let hop = 0; hop <= mostHops; hop++) {
      const isStore = uploadUrl(at, webUrl) !== null;
      const headers = isStore ? { authorization: `Bearer ${await token(repository, signal)}` } : undefined;
      const until = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
      const answer = await send(at, { method, redirect: 'manual', signal: until, ...(headers && { headers }) }).catch(
        (error: unknown) => {
          signal.throwIfAborted();
          throw away((error as Error).message);
        },
      );
      const next = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null;
      if (next === null) return answer;
      await answer.body?.cancel();
      if (!URL.canParse(next, at)) break;
      at = new URL(next, at).href;
      if (new URL(at).protocol !== 'https:' && new URL(at).origin !== new URL(webUrl).origin) break;
    }
    throw noFile();
  }

  return {
    async describe(repository, uploads, signal) {
      const unknown = uploads.filter(({ url }) => !sizes.has(url));
      await Promise.all(
        unknown.map(async ({ url }) => {
          const answer = await open(repository, url, 'HEAD', signal).catch(() => null);
          signal.throwIfAborted();
          const bytes = Number(answer?.headers.get('content-length') ?? Number.NaN);
          if (!answer?.ok || !Number.isFinite(bytes)) return;
          if (sizes.size >= 1_000) sizes.clear();
          sizes.set(url, { bytes, mediaType: answer.headers.get('content-type')?.split(';')[0]?.trim() || null });
        }),
      );
      return uploads.map(({ url, name }) => {
        const { bytes = 0, mediaType = null } = sizes.get(url) ?? {};
        return { id: url, name, mediaType: mediaTypeOf(name) ?? mediaType ?? 'application/octet-stream', bytes };
      });
    },

    async read(repository, id, signal) {
      signal.throwIfAborted();
      const url = uploadUrl(id, webUrl);
      if (url === null) throw noFile();
      const answer = await open(repository, url, 'GET', signal);
      if (answer.ok) return readBody(answer, signal);
      await answer.body?.cancel();
      throw answer.status === 429 || answer.status >= 500 ? away(`HTTP status ${answer.status}`) : noFile();
    },
  };
}

async function readBody(answer: Response, signal: AbortSignal): Promise<Uint8Array> {
  const body = await readAtMost(answer.body, maxBytes).catch((error: unknown) => {
    signal.throwIfAborted();
    throw away((error as Error).message);
  });
  if (body) return body;
  throw new VendorError('The file is larger than 10 MB. Link to it instead.', { code: 'invalid', retryable: false });
}

function away(why: string): VendorError {
  return new VendorError(`GitHub does not give the file: ${why}.`, { code: 'unavailable', retryable: true });
}

function noFile(): VendorError {
  return new VendorError('There is no such file on this ticket.', { code: 'not_found', retryable: false });
}
