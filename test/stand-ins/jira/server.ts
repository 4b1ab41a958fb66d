/**
 * A Jira Cloud of our own. `startJira()` gives `jira.site` (a site at `site.url`, for API tokens without scopes), the gateway
 * `jira.gatewayOf(site)` (scoped tokens and OAuth), `jira.authUrl` and `jira.apiUrl` for the rest of OAuth. Set it up with
 * `site.addUser`, `addProject`, `makeWorkflow`, `addField`, `addSprint`, `addWebhook`, `jira.oauth.addApiToken` / `addApp`; let people
 * act with `somebody(site, user)`; let things go wrong with `jira.faults.add(...)`, `jira.outbox.hold()` / `release(order)`,
 * `deny(project, user, 'BROWSE_PROJECTS')`, `site.searchLagMs`, `jira.clock.advance(ms)`; look at what was asked in `jira.requests` and
 * `jira.counts()`, and end each test with `jira.expectClean()`: it throws where a request was not as the vendor has it.
 *
 * To add to it: a file with `export const <feature>Routes: Routes = { 'issues.getIssue': route<'issues.getIssue'>('read', (call) => ...) }`,
 * named as jira.js names the operation, and its line in `routes` below. `call.given` is what a client of jira.js was given, checked by
 * the package's parameter schemas; the answer is checked by its answer schemas. What people do: issues.ts, and people.ts by name.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createClock } from '../linear/clock.ts';
import { answerMedia, attachmentRoutes } from './attachment-routes.ts';
import { commentRoutes } from './comment-routes.ts';
import { decode, hasOperation } from './contract.ts';
import { createFaults, htmlPage, send, sendFault } from './faults.ts';
import { issueRoutes } from './issue-routes.ts';
import type { Jira, RecordedRequest, SiteOptions } from './jira.ts';
import { createMeter, type Limits, usualLimits } from './limits.ts';
import { linkRoutes } from './link-routes.ts';
import { metaRoutes } from './meta-routes.ts';
import { type Answer, createOAuth } from './oauth.ts';
import { Refusal } from './refusal.ts';
import { answerRest, authenticate, jsonIn, type Routes, readBody } from './rest.ts';
import { searchRoutes } from './search-routes.ts';
import { createSite, type Site } from './site.ts';
import { userRoutes } from './user-routes.ts';
import { answerAdminWebhooks, webhookRoutes } from './webhook-routes.ts';
import { createOutbox } from './webhooks.ts';

export type { Jira } from './jira.ts';

const routes: Routes = {
  ...attachmentRoutes,
  ...commentRoutes,
  ...issueRoutes,
  ...linkRoutes,
  ...metaRoutes,
  ...searchRoutes,
  ...userRoutes,
  ...webhookRoutes,
};

for (const id of Object.keys(routes)) if (!hasOperation(id)) throw new Error(`jira.js has no operation ${id}.`);

/** The operations that are answered. */
export const operationsOfStandIn: string[] = Object.keys(routes);

export interface JiraOptions extends SiteOptions {
  limits?: Partial<Limits>;
  /** Who is signed in, in the browser that consents to an app; without it the site's first user. */
  consents?: (site: Site) => Site['users'][number] | null;
}

export async function startJira(options: JiraOptions = {}): Promise<Jira> {
  const clock = createClock();
  const faults = createFaults();
  const outbox = createOutbox(clock, faults);
  const oauth = createOAuth(clock);
  const limits: Limits = { ...structuredClone(usualLimits), ...options.limits };
  const meter = createMeter(clock, limits);
  const servers: Server[] = [];
  const userOf = options.consents ?? ((site: Site) => site.users[0] ?? null);

  async function listen(
    handle: (from: IncomingMessage, to: ServerResponse, recorded: RecordedRequest) => Promise<void>,
  ): Promise<string> {
    const server = createServer((from, to) => {
      const { pathname } = new URL(from.url ?? '/', 'http://jira');
      const recorded: RecordedRequest = {
        at: clock.now(),
        line: `${from.method} ${decode(pathname.replace(/^\/ex\/jira\/[^/]+/, ''))}`,
        operation: null,
        cloudId: null,
        isGateway: false,
        headers: from.headers as Record<string, string>,
        url: from.url ?? '/',
        body: undefined,
        status: null,
      };
      jira.requests.push(recorded);
      to.once('finish', () => {
        recorded.status = to.statusCode;
      });
      handle(from, to, recorded).catch((error: Error) => {
        jira.violations.push(`${recorded.line}: the stand-in failed: ${error.stack}`);
        if (!to.headersSent) to.writeHead(500);
        to.end();
      });
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const sendAnswer = (to: ServerResponse, { status, body, location }: Answer) =>
    location === undefined ? send(to, status, body) : void to.writeHead(status, { location }).end();

  /** Operations that jira.js does not know, which can go wrong as well. */
  async function named(
    operation: string,
    recorded: RecordedRequest,
    from: IncomingMessage,
    to: ServerResponse,
    answer: (raw: Buffer) => Answer,
  ): Promise<void> {
    recorded.operation = operation;
    const raw = await readBody(from);
    const actions = faults.ofRequest(operation);
    for (const action of actions) {
      if (action.type === 'late') await delay(action.ms);
      else if (action.type === 'status' && action.commit === 'after') continue;
      else if (sendFault(action, from, to)) return;
    }
    const answered = answer(raw);
    if (actions.some(({ type }) => type === 'loseReply')) return void from.socket.destroy();
    for (const action of actions) if (action.type === 'status') return void sendFault(action, from, to);
    sendAnswer(to, answered);
  }

  async function handleSite(
    site: Site,
    pathname: string,
    isGateway: boolean,
    from: IncomingMessage,
    to: ServerResponse,
    recorded: RecordedRequest,
  ): Promise<void> {
    Object.assign(recorded, { cloudId: site.cloudId, isGateway });
    if (pathname === '/_edge/tenant_info' && !isGateway)
      return named('tenantInfo', recorded, from, to, () => ({ status: 200, body: { cloudId: site.cloudId } }));
    if (pathname.startsWith('/rest/webhooks/1.0/webhook'))
      return named('adminWebhooks', recorded, from, to, (raw) => {
        try {
          const { user } = authenticate(jira, site, isGateway, from, {});
          return user ? answerAdminWebhooks(site, user, from.method ?? '', pathname, jsonIn(raw)) : { status: 401 };
        } catch (error) {
          if (error instanceof Refusal) return { status: error.status, body: error.body };
          throw error;
        }
      });
    if (pathname.startsWith('/rest/'))
      return answerRest(jira, routes, meter, { site, pathname, isGateway }, recorded, from, to);
    send(to, 404, htmlPage);
  }

  async function handleGateway(from: IncomingMessage, to: ServerResponse, recorded: RecordedRequest): Promise<void> {
    const { pathname, searchParams } = new URL(from.url ?? '/', 'http://jira');
    const [, cloudId, rest] = /^\/ex\/jira\/([^/]+)(\/.*)$/.exec(pathname) ?? [];
    const site = jira.sites.find((each) => each.cloudId === cloudId);
    if (site && rest !== undefined) return handleSite(site, rest, true, from, to, recorded);
    if (cloudId !== undefined) return send(to, 404, { code: 404, message: 'Not Found' });
    const line = `${from.method} ${pathname}`;
    if (line === 'GET /oauth/token/accessible-resources')
      return named('oauth.resources', recorded, from, to, () => oauth.resources(from.headers.authorization));
    if (line === 'GET /authorize')
      return named('oauth.authorize', recorded, from, to, () => oauth.authorizePage(searchParams, jira.sites));
    if (line === 'POST /authorize')
      return named('oauth.consent', recorded, from, to, (raw) =>
        oauth.decide(new URLSearchParams(raw.toString('utf8')), jira.sites, userOf),
      );
    if (line === 'POST /oauth/token')
      return named('oauth.token', recorded, from, to, (raw) => {
        const isJson = from.headers['content-type']?.includes('json') ?? false;
        const body = isJson ? jsonIn(raw) : Object.fromEntries(new URLSearchParams(raw.toString('utf8')));
        return oauth.token((body ?? {}) as Record<string, unknown>);
      });
    send(to, 404, { code: 404, message: 'Not Found' });
  }

  const jira: Jira = {
    apiUrl: '',
    authUrl: '',
    clock,
    faults,
    outbox,
    oauth,
    limits,
    requests: [],
    violations: [],
    sites: [],
    site: undefined as never,
    async addSite({ name = 'acme', cloudId = randomUUID(), ...more } = {}) {
      const url = await listen((from, to, recorded) => {
        const { pathname } = new URL(from.url ?? '/', 'http://jira');
        return handleSite(site, pathname, false, from, to, recorded);
      });
      const { searchLagMs, language, isAnonymousOnBadToken } = more;
      const site = createSite(
        { cloudId, name, url, mediaUrl, clock, outbox },
        {
          ...(searchLagMs !== undefined && { searchLagMs }),
          ...(language !== undefined && { language }),
          ...(isAnonymousOnBadToken !== undefined && { isAnonymousOnBadToken }),
        },
      );
      jira.sites.push(site);
      return site;
    },
    gatewayOf: ({ cloudId }) => `${jira.apiUrl}/ex/jira/${cloudId}`,
    counts() {
      const counts: Record<string, number> = {};
      for (const { operation } of jira.requests)
        if (operation !== null) counts[operation] = (counts[operation] ?? 0) + 1;
      return counts;
    },
    expectClean() {
      if (jira.violations.length > 0) throw new Error(jira.violations.splice(0).join('\n'));
    },
    async close() {
      clock.stop();
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      await outbox.settled();
    },
  };
  const mediaUrl = await listen(async (from, to, recorded) => {
    recorded.operation = 'media';
    answerMedia(jira, from, to);
  });
  jira.apiUrl = await listen(handleGateway);
  jira.authUrl = jira.apiUrl;
  jira.site = await jira.addSite(options);
  return jira;
}
