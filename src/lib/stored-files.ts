import { readAtMost } from './read-at-most.ts';

/** A file that people wrote into a text, as a link to where a vendor keeps it. */
export interface StoredFile {
  url: string;
  name: string;
}

export const mostFileBytes = 10_000_000;
const mostFiles = 50;
const mostHops = 3;
const answerWithinMs = 20_000;
const sizedAtOnce = 20;

const link = /!?\[([^\]\n]{0,300})\]\(\s*<?(https?:\/\/[^\s()<>]{1,2000})>?(?:\s+"[^"\n]{0,300}")?\s*\)/g;
const image = /<img\b([^>]{0,2000})>/gi;
const bareLink = /https?:\/\/[^\s()<>"'\]|]{1,2000}/g;

/** The same file under the same URL, whatever is asked beside it; null: it is not in the vendor's store, and gets no token of ours. */
export type StoreUrl = (written: string) => string | null;

/** Files in Markdown, each once: first those with a name, in their order. */
export function findFiles(texts: readonly string[], storeUrl: StoreUrl): StoredFile[] {
  const found = new Map<string, StoredFile>();
  const add = (written: string, name: string) => {
    const url = storeUrl(written);
    if (url && !found.has(url)) found.set(url, { url, name: name.trim() || lastPart(url) });
  };
  for (const text of texts) {
    const named = [
      ...[...text.matchAll(link)].map(({ index, 1: name = '', 2: url = '' }) => ({ index, url, name })),
      ...[...text.matchAll(image)].map(({ index, 1: tag = '' }) => {
        return { index, url: attribute(tag, 'src'), name: attribute(tag, 'alt') };
      }),
    ];
    for (const { url, name } of named.toSorted((a, b) => a.index - b.index)) add(url, name);
    for (const [written] of text.matchAll(bareLink)) add(written, '');
  }
  return [...found.values()].slice(0, mostFiles);
}

/** What a change of a text was about: a file is added by writing it there. */
export function changedByText(before: string, after: string, storeUrl: StoreUrl): ('description' | 'attachments')[] {
  const files = (text: string) => findFiles([text], storeUrl).map(({ url }) => url);
  const words = (text: string) => withoutFiles(text, storeUrl).replace(/\s+/g, ' ').trim();
  const isSame = JSON.stringify(files(before)) === JSON.stringify(files(after));
  return [
    ...(words(before) === words(after) && !isSame ? [] : (['description'] as const)),
    ...(isSame ? [] : (['attachments'] as const)),
  ];
}

/** A text without its files. */
function withoutFiles(text: string, storeUrl: StoreUrl): string {
  const drop = (whole: string, url: string) => (storeUrl(url) ? '' : whole);
  return text
    .replace(link, (whole: string, _label: string, url: string) => drop(whole, url))
    .replace(image, (whole: string, tag: string) => drop(whole, attribute(tag, 'src')))
    .replace(bareLink, (url) => drop(url, url));
}

function attribute(tag: string, name: string): string {
  return new RegExp(`\\b${name}\\s*=\\s*"([^"]*)"`, 'i').exec(tag)?.[1] ?? '';
}

function lastPart(url: string): string {
  const part = new URL(url).pathname.split('/').at(-1) || 'file';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** How a vendor's store is asked, and what its answers are called. */
export interface FileStore {
  storeUrl: StoreUrl;
  /** Where the vendor itself is: redirections lead there, or to https; of a vendor without https (a stand-in), anywhere. */
  origin: string;
  /** Goes with requests to the store, and nowhere else. `refused`: one that was sent and not taken; null: any. */
  token(account: string, refused: string | null, signal: AbortSignal): Promise<string>;
  /** How it is sent; absent: as "Bearer". */
  authorize?(token: string): string;
  /** `status` 0: there was no answer. */
  refusal(status: number, why: string): Error;
  fetch?: typeof fetch | undefined;
}

export interface FileReader {
  /** Sizes and types, as far as they are to be had, in the order of the files. What is known once stays known. */
  describe(
    account: string,
    files: readonly StoredFile[],
    signal: AbortSignal,
  ): Promise<(StoredFile & { bytes: number; mediaType: string | null })[]>;
  /** Throws what `refusal` makes of it: status 404 where it is no file of the store, 413 for one over `mostFileBytes`. */
  read(account: string, url: string, signal: AbortSignal): Promise<Uint8Array>;
}

export function createFileReader(store: FileStore): FileReader {
  const { storeUrl, origin, refusal, authorize = (token) => `Bearer ${token}`, fetch: send = fetch } = store;
  const sizes = new Map<string, { bytes: number; mediaType: string | null }>();

  async function ask(url: string, method: string, token: string | null, signal: AbortSignal): Promise<Response> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
    const headers = token === null ? {} : { authorization: authorize(token) };
    return send(url, { method, headers, redirect: 'manual', signal: until }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw refusal(0, (error as Error).message);
    });
  }

  /** A redirection leads to a place of its own with leave of its own: our token stays here. */
  async function open(account: string, url: string, method: 'GET' | 'HEAD', signal: AbortSignal): Promise<Response> {
    let token = await store.token(account, null, signal);
    let hasNewToken = false;
    let at = url;
    for (let hop = 0; hop <= mostHops; hop++) {
      const isStore = storeUrl(at) !== null;
      const answer = await ask(at, method, isStore ? token : null, signal);
      if (answer.status === 401 && isStore && !hasNewToken) {
        await answer.body?.cancel();
        token = await store.token(account, token, signal);
        hasNewToken = true;
        continue;
      }
      const next = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null;
      if (next === null) return answer;
      await answer.body?.cancel();
      if (!URL.canParse(next, at)) break;
      at = new URL(next, at).href;
      if (new URL(at).protocol !== 'https:' && new URL(origin).protocol === 'https:') break;
    }
    throw refusal(404, 'it leads nowhere');
  }

  return {
    async describe(account, files, signal) {
      const unknown = files.filter(({ url }) => !sizes.has(url)).slice(0, sizedAtOnce);
      await Promise.all(
        unknown.map(async ({ url }) => {
          const answer = await open(account, url, 'HEAD', signal).catch(() => null);
          signal.throwIfAborted();
          const bytes = Number(answer?.headers.get('content-length') ?? Number.NaN);
          if (!answer?.ok || !Number.isFinite(bytes)) return;
          if (sizes.size >= 1_000) sizes.clear();
          sizes.set(url, { bytes, mediaType: answer.headers.get('content-type')?.split(';')[0]?.trim() || null });
        }),
      );
      return files.map((file) => ({ ...file, ...(sizes.get(file.url) ?? { bytes: 0, mediaType: null }) }));
    },

    async read(account, id, signal) {
      signal.throwIfAborted();
      const url = storeUrl(id);
      if (url === null) throw refusal(404, 'it is not in the store');
      const answer = await open(account, url, 'GET', signal);
      if (!answer.ok) {
        await answer.body?.cancel();
        throw refusal(answer.status, `HTTP status ${answer.status}`);
      }
      const body = await readAtMost(answer.body, mostFileBytes).catch((error: unknown) => {
        signal.throwIfAborted();
        throw refusal(0, (error as Error).message);
      });
      if (body) return body;
      throw refusal(413, 'it is too large');
    },
  };
}
