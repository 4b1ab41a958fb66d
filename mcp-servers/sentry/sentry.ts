import type { z } from 'zod';
import { explainFailure, explainUnreachable } from './explain-failure.ts';
import type { BoundProject } from './projects.ts';

export interface SentryOptions {
  /** "https://sentry.io", "https://de.sentry.io", or of a Sentry of one's own. */
  baseUrl: string;
  token: () => Promise<string>;
  projects: BoundProject[];
}

export interface Asked {
  /** Fills the path's `{names}`. */
  path?: Record<string, string>;
  query?: Record<string, string | number>;
  /** For the message where there is no such thing. */
  what: string;
  signal: AbortSignal;
}

/** Some projects of a Sentry, read. Every method throws an `Error` whose message says what to do about it. */
export interface Sentry {
  baseUrl: URL;
  projects: readonly BoundProject[];
  /** `next`: the cursor of what comes after; null: nothing does. What `schema` does not know is left out. */
  get<T>(path: `/${string}`, schema: z.ZodType<T>, asked: Asked): Promise<{ body: T; next: string | null }>;
}

/** An event has 1 MB at most when it is sent; a page of them has a hundred. */
const mostBytes = 32_000_000;

export function createSentry({ baseUrl, token, projects }: SentryOptions): Sentry {
  const base = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (base === null || !/^https?:$/.test(base.protocol) || `${base.username}${base.password}` !== '')
    throw new Error('SENTRY_BASE_URL is not the URL of a Sentry, such as https://sentry.io.');
  const root = `${base.origin}${base.pathname.replace(/\/+$/, '').replace(/\/api\/0$/, '')}/api/0`;

  return {
    baseUrl: base,
    projects,
    async get(path, schema, { path: values = {}, query = {}, what, signal }) {
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
        const value = values[name] ?? '';
        // These would lead elsewhere in a path, encoded or not.
        if (/^\.{0,2}$/.test(value)) throw new Error(`${JSON.stringify(value)} names nothing. Check what you passed.`);
        return encodeURIComponent(value);
      });
      const parameters = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const headers = {
        authorization: `Bearer ${await token()}`,
        accept: 'application/json',
        'user-agent': 'shipmate-mcp-sentry',
      };
      const url = `${root}${filled}${parameters.size > 0 ? `?${parameters}` : ''}`;
      try {
        // A redirect could lead anywhere, and the token with it.
        const response = await fetch(url, { headers, redirect: 'manual', signal });
        const text = await readText(response);
        if (!response.ok) throw explainFailure(response, text, what);
        return { body: read(schema, text, base.host), next: nextOf(response.headers.get('link') ?? '') };
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof TypeError) throw explainUnreachable(base.host, error);
        throw error;
      }
    },
  };
}

function read<T>(schema: z.ZodType<T>, text: string, host: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const kind = /^\s*</.test(text) ? 'a page of HTML' : 'something that is no JSON';
    throw new Error(
      `${host} did not answer as Sentry's API does, but with ${kind}. A proxy may stand in between, or SENTRY_BASE_URL may be wrong; whoever started this server has to look.`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') || 'the whole';
  throw new Error(
    `${host} answered in a way that this server does not know (${where}). It may be too old, or too new.`,
  );
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`Sentry's answer is larger than ${mostBytes / 1_000_000} MB. Ask for less.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function nextOf(link: string): string | null {
  const next = link.split(/,\s*(?=<)/).find((each) => /rel="next"/.test(each) && /results="true"/.test(each));
  return /cursor="([\w:.-]{1,100})"/.exec(next ?? '')?.[1] ?? null;
}
