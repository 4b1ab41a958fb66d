import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { CheckRun } from './check-rows.ts';
import type { GitHub } from './github.ts';

/** Where the real one keeps logs: a host of another party, that lets in by the link alone. */
export interface LogStorage {
  url: string;
  /** A link that is valid for a minute. */
  linkTo(log: Uint8Array | (() => AsyncIterable<Uint8Array>)): string;
  /** What came, as "GET 200". */
  requests: string[];
}

const opened = new WeakMap<GitHub, Promise<LogStorage>>();
const validMs = 60_000;

/** Of this stand-in, with which it ends. */
export function logStorageOf(github: GitHub): Promise<LogStorage> {
  const known = opened.get(github) ?? openStorage(github);
  opened.set(github, known);
  return known;
}

async function openStorage(github: GitHub): Promise<LogStorage> {
  const links = new Map<string, { log: NonNullable<Exclude<CheckRun['log'], 'gone'>>; until: number }>();
  const requests: string[] = [];
  const server = createServer((from, to) => {
    const link = links.get(new URL(from.url ?? '/', 'http://storage').searchParams.get('sig') ?? '');
    to.once('finish', () => requests.push(`${from.method} ${to.statusCode}`));
    if (from.headers.authorization) return refuse(to, 400, 'InvalidAuthenticationInfo');
    if (!link || link.until <= github.clock.now()) return refuse(to, 403, 'AuthenticationFailed');
    to.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    const { log } = link;
    if (typeof log !== 'function') return void to.end(log);
    pipeline(log, to).catch(() => {}); // who read has gone
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = github.close;
  github.close = async () => {
    await end(server);
    await close();
  };
  return {
    url,
    requests,
    linkTo(log) {
      const sig = randomBytes(16).toString('hex');
      links.set(sig, { log, until: github.clock.now() + validMs });
      return `${url}/actions-results/job-logs.txt?sv=2025-11-05&sig=${sig}`;
    },
  };
}

function refuse(to: ServerResponse, status: number, code: string): void {
  to.writeHead(status, { 'content-type': 'application/xml' });
  to.end(`\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code></Error>`);
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
