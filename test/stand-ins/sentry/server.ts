/**
 * A Sentry of our own. `startSentry()` gives `sentry.url` (in place of https://us.sentry.io), `sentry.token`, which reads events and
 * releases, and `sentry.site`: set it up with `addProject('acme/web')` and `addRelease`, let errors happen with `capture(project, event)`,
 * let people act with `resolve(issue)`, `archive(issue)`, `deploy(release, 'production')`. Webhooks go to `sentry.integration.url`, signed with
 * its `clientSecret`, for issues and for projects with an `alertRule`; `sentry.outbox` shows them, holds them back and sends them twice.
 * Let things go wrong with `sentry.faults.add(...)`; look at what was asked in `sentry.requests`, and end each test with
 * `sentry.expectClean()`: it throws where a request was not as the vendor's description has it, or an answer of this was not.
 *
 * To add an operation: its line in `asked` of derive-contract.ts, which makes contract.json anew, and its function in routes.ts.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, createClock } from '../linear/clock.ts';
import { answerProblems, findOperation, type Operation, operations, queryProblems } from './contract.ts';
import { createFaults, type Faults, sendFault, sendJson, sendStatus } from './faults.ts';
import { Refused, routes } from './routes.ts';
import type { Organization, Token } from './rows.ts';
import { createSite, type Site } from './site.ts';
import { createTeller } from './telling.ts';
import { createOutbox, type Integration, type Outbox } from './webhooks.ts';

export type { Site } from './site.ts';

export interface Sentry {
  /** Without `/api/0/`. */
  url: string;
  token: string;
  site: Site;
  clock: Clock;
  faults: Faults;
  outbox: Outbox;
  integration: Integration;
  /** All, oldest first; `operation` is null where there is none. */
  requests: { operation: string | null; url: string; headers: IncomingMessage['headers'] }[];
  /** Throws what was wrong since it was asked last. */
  expectClean(): void;
  close(): Promise<void>;
}

export async function startSentry(): Promise<Sentry> {
  const clock = createClock();
  const faults = createFaults();
  const integration: Integration = {
    ...{ uuid: randomUUID(), clientSecret: randomBytes(32).toString('hex'), url: null, resources: ['issue'] },
  };
  const outbox = createOutbox(integration, clock.now);
  const teller = createTeller(() => sentry.url, integration, outbox);
  const site = createSite(clock, () => teller);
  const violations: string[] = [];

  function handle(from: IncomingMessage, to: ServerResponse): void {
    const { pathname, searchParams } = new URL(from.url ?? '/', 'http://sentry');
    const found = findOperation(from.method ?? '', pathname);
    const operation = found?.operation ?? null;
    sentry.requests.push({ operation: operation?.id ?? null, url: from.url ?? '', headers: from.headers });
    if (!found || !operation) {
      violations.push(`There is no ${from.method} ${pathname}.`);
      return void sendStatus(to, 404);
    }
    violations.push(...queryProblems(operation, searchParams));
    const fault = faults.of(operation.id);
    if (fault) return void sendFault(fault, from, to);
    const token = tokenOf(from);
    if (!token) return void sendStatus(to, 401);
    const organization = site.organizations.find(({ slug }) => slug === found.path.organization_id_or_slug);
    if (!organization) return void sendStatus(to, 404);
    if (!mayRead(token, operation, organization)) return void sendStatus(to, 403);
    try {
      const call = { site, url: sentry.url, operation, organization, path: found.path, query: searchParams };
      const answer = routes[operation.id]?.(call);
      if (!answer) throw new Error(`routes.ts has no ${operation.id}.`);
      if ('one' in answer) return void sendChecked(to, operation, answer.one);
      const start = Number(/^0:(\d+):0$/.exec(searchParams.get('cursor') ?? '0:0:0')?.[1] ?? 0);
      const page = answer.list.slice(start, start + answer.perPage);
      const link = linkTo(`${sentry.url}${pathname}`, start, answer.perPage, answer.list.length);
      sendChecked(to, operation, page, { link });
    } catch (error) {
      if (error instanceof Refused) return void sendStatus(to, error.status, error.message || undefined);
      throw error;
    }
  }

  function sendChecked(to: ServerResponse, operation: Operation, body: unknown, headers = {}): void {
    violations.push(...answerProblems(operation, body).map((problem) => `answer: ${problem}`));
    sendJson(to, 200, body, headers);
  }

  function tokenOf(from: IncomingMessage): Token | undefined {
    const given = /^Bearer (.+)$/.exec(from.headers.authorization ?? '')?.[1];
    return site.tokens.find(({ value, isRevoked }) => value === given && !isRevoked);
  }

  const server = createServer((from, to) => {
    try {
      handle(from, to);
    } catch (error) {
      violations.push(`${from.method} ${from.url}: the stand-in failed: ${(error as Error).stack}`);
      sendStatus(to, 500);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const sentry: Sentry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: site.addToken().value,
    ...{ site, clock, faults, outbox, integration, requests: [] },
    expectClean() {
      if (violations.length > 0) throw new Error(violations.splice(0).join('\n'));
    },
    async close() {
      clock.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await outbox.settled();
    },
  };
  return sentry;
}

function mayRead({ scopes, organizations }: Token, operation: Operation, organization: Organization): boolean {
  return scopes.some((scope) => operation.scopes.includes(scope)) && (organizations?.includes(organization) ?? true);
}

/** Both ways, also where there is nothing. */
function linkTo(url: string, start: number, perPage: number, total: number): string {
  const to = (rel: string, cursor: string, has: boolean) =>
    `<${url}?&cursor=${cursor}>; rel="${rel}"; results="${has}"; cursor="${cursor}"`;
  const before = Math.max(0, start - perPage);
  const previous = to('previous', `0:${before}:1`, start > 0);
  return `${previous}, ${to('next', `0:${start + perPage}:0`, start + perPage < total)}`;
}

for (const { id } of operations) if (!(id in routes)) throw new Error(`routes.ts has no ${id}.`);
