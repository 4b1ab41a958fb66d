import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildManifest, newAppPage } from './manifest.ts';

export interface AppPage {
  /** To be opened in a browser on this machine; nobody can guess it. */
  url: string;
  /** What GitHub sent the browser back with; good for an hour, once. Rejects with the signal's reason. */
  code: Promise<string>;
  /** What the browser shows at last; until then it waits. `installUrl`: the next page to open. */
  finish(answer: { installUrl: string } | { problem: string }): void;
  /** Answers nothing any more, but what is being answered. */
  close(): void;
}

const longestCode = 500;

/**
 * Serves a page of this machine that sends a manifest to GitHub, where a person makes the App from it, and takes the answer.
 * Only a browser here reaches it, and only the answer to this very page counts.
 */
export async function openAppPage(options: {
  webUrl: string;
  org: string | null;
  name: string;
  publicUrl: string | null;
  /** 0: any that is free. */
  port: number;
  signal: AbortSignal;
}): Promise<AppPage> {
  const { webUrl, org, signal } = options;
  const secret = randomBytes(24).toString('base64url');
  const state = randomBytes(24).toString('base64url');
  const code = Promise.withResolvers<string>();
  const told = Promise.withResolvers<string>();
  code.promise.catch(() => {});

  const server = createServer((request, response) => void answer(request, response));
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening', { signal });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const manifest = buildManifest({ ...options, redirectUrl: `${origin}/made` });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', origin);
    // Another name that leads here belongs to a page of somebody else.
    const isOurs = [`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? '');
    if (!isOurs || request.method !== 'GET') return show(response, 404, 'There is nothing here.');
    if (pathname === `/${secret}`) return show(response, 200, form(newAppPage(webUrl, org, state), manifest), webUrl);
    if (pathname !== '/made') return show(response, 404, 'There is nothing here.');
    const given = searchParams.get('code') ?? '';
    if (!isSame(searchParams.get('state') ?? '', state) || given === '' || given.length > longestCode)
      return show(response, 400, 'This is not the answer to the page that was opened here. Begin there again.');
    code.resolve(given);
    show(response, 200, await told.promise);
  }

  const stop = () => {
    code.reject(signal.reason);
    close();
  };
  signal.addEventListener('abort', stop, { once: true });

  function close(): void {
    signal.removeEventListener('abort', stop);
    told.resolve('This is over; look at the terminal.');
    server.close();
    server.closeIdleConnections();
  }

  return {
    url: `${origin}/${secret}`,
    code: code.promise,
    finish: (result) => told.resolve('problem' in result ? asHtml(result.problem) : made(result.installUrl)),
    close,
  };
}

function form(action: string, manifest: object): string {
  return `<h1>An App on GitHub for Shipmate</h1>
<p>GitHub shows what it may do and asks for its name, then it sends you back here. Its keys go to the terminal's machine and nowhere else.</p>
<form method="post" action="${asHtml(action)}">
<input type="hidden" name="manifest" value="${asHtml(JSON.stringify(manifest))}">
<button>Make the App on GitHub</button>
</form>`;
}

function made(installUrl: string): string {
  return `<h1>The App is made</h1>
<p>Its keys are where the terminal says. <a href="${asHtml(installUrl)}">Install it</a> on the repositories that it is to work on.</p>`;
}

const style =
  'body{font:16px/1.6 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.5rem;color:#1d2430;background:#fff}' +
  'h1{font-size:1.5rem}button{font:inherit;padding:.6em 1.2em;border:0;border-radius:.4em;color:#fff;background:#1f6f43;cursor:pointer}' +
  '@media(prefers-color-scheme:dark){body{color:#e6e8ec;background:#14171c}a{color:#8ab4f8}}';
const styleHash = createHash('sha256').update(style).digest('base64');

function show(response: ServerResponse, status: number, body: string, sendsTo = "'none'"): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${sendsTo}; frame-ancestors 'none'; base-uri 'none'`,
    connection: 'close',
  });
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shipmate</title><style>${style}</style>${body}</html>\n`,
  );
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function asHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
