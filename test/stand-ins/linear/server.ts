import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { answer, type GraphqlRequest, type ReadRequest, RequestRefused, readRequest, refused } from './answering.ts';
import { type Budget, createBudget, type Limits } from './budget.ts';
import { type Clock, createClock } from './clock.ts';
import { createFaults, type Faults } from './faults.ts';
import { type Answer, type App, createOAuth, type OAuth, type Token, tokenIn } from './oauth.ts';
import { rateLimited, unauthenticated } from './refusal.ts';
import type { Tables } from './rows.ts';
import { createSearchLimit } from './searching.ts';
import { tellRevoked } from './tellings.ts';
import { createOutbox, type Outbox } from './webhooks.ts';
import { createWorkspace, type Workspace, type WorkspaceOptions } from './workspace.ts';

/** One HTTP request, whatever came of it. */
export interface RecordedRequest extends Partial<Omit<ReadRequest, 'document'>> {
  at: number;
  /** "POST /graphql" */
  line: string;
  headers: Record<string, string>;
  query: string;
  variables: Record<string, unknown>;
  status: number | null;
}

export interface Linear {
  /** The GraphQL endpoint: `apiUrl` of the SDK. */
  url: string;
  /** Where `/oauth/authorize`, `/oauth/token` and `/oauth/revoke` are, and the uploads. */
  baseUrl: string;
  oauth: OAuth;
  /** A token of the first workspace, with all scopes. */
  token: string;
  workspaces: Workspace[];
  /** The first of them. */
  workspace: Workspace;
  outbox: Outbox;
  faults: Faults;
  clock: Clock;
  /** All, oldest first; empty it as you like. */
  requests: RecordedRequest[];
  addWorkspace(options: Partial<WorkspaceOptions>): Workspace;
  /** An admin removes the app from a workspace. */
  uninstall(workspace: Workspace): void;
  close(): Promise<void>;
}

export interface LinearOptions extends Partial<WorkspaceOptions>, Partial<Limits> {
  app?: Partial<App>;
  webhookSecret?: string;
  searchesPerMinute?: number;
}

/** A Linear of our own: its schema, its ways, its faults. */
export async function startLinear(options: LinearOptions = {}): Promise<Linear> {
  const clock = createClock();
  const faults = createFaults();
  const outbox = createOutbox(clock, faults, options.webhookSecret ?? 'lin_wh_secret');
  const app: App = {
    clientId: options.clientId ?? 'linear-client-id',
    clientSecret: 'linear-client-secret',
    redirectUris: [],
    hasClientCredentials: true,
    ...options.app,
  };
  const oauth = createOAuth(clock, app);
  const workspaces: Workspace[] = [];
  const budgets = new Map<string, Budget>();
  const requests: RecordedRequest[] = [];
  const limitSearch = createSearchLimit(clock.now, options.searchesPerMinute ?? 30);
  /** What reads still show, by workspace. */
  const hidden = new Map<Workspace, { tables: Tables; until: number }>();

  function budgetOf(token: Token): Budget {
    const limits = {
      requestsPerHour: options.requestsPerHour ?? 5_000,
      complexityPerHour: options.complexityPerHour ?? 2_000_000,
    };
    const budget = budgets.get(token.workspaceId) ?? createBudget(clock.now, limits);
    budgets.set(token.workspaceId, budget);
    return budget;
  }

  function addWorkspace(wanted: Partial<WorkspaceOptions>): Workspace {
    const usual = { name: 'Acme', urlKey: 'acme', appName: 'Shipmate', clientId: app.clientId };
    const workspace = createWorkspace(clock, outbox, { ...usual, ...wanted });
    workspaces.push(workspace);
    return workspace;
  }

  async function graphql(from: IncomingMessage, to: ServerResponse, recorded: RecordedRequest): Promise<void> {
    const asked = requestIn((await readBody(from)).toString('utf8'));
    Object.assign(recorded, { query: asked.query, variables: asked.variables });
    const send = (status: number, answered: unknown, headers = {}) => sendJson(to, status, answered, headers);

    let read: ReadRequest | null = null;
    let wrong: RequestRefused | null = null;
    try {
      read = readRequest(asked);
      const { document, ...seen } = read;
      Object.assign(recorded, seen);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      wrong = error;
    }
    const actions = faults.ofRequest(read?.fields ?? []);
    const { authorization } = from.headers;
    for (const action of actions) {
      if (action.type === 'late') await delay(action.ms);
      if (action.type === 'revoke') oauth.revoke(tokenIn(authorization));
    }
    const token = oauth.authenticate(authorization);
    const workspace = workspaces.find(({ organizationId }) => organizationId === token?.workspaceId);
    if (!token || !workspace) return send(401, refused([unauthenticated()]).body);
    const before = actions.find((action) => action.type === 'status' && action.commit === 'before');
    if (before?.type === 'status') return send(before.status, 'upstream connect error');

    const budget = budgetOf(token);
    for (const action of actions) if (action.type === 'rateLimit') budget.exhaust(action.ms, action.shape);
    if (!budget.take(read?.complexity ?? 0))
      return send(400, refused([rateLimited(budget.refusing() ?? 'code')]).body, budget.headers(null));
    const tooMany = read?.fields.includes('searchIssues') ? limitSearch(workspace) : null;
    if (tooMany) return send(400, refused([rateLimited('code')]).body, { ...budget.headers(null), ...tooMany });
    if (!read || wrong) return send(400, refused(wrong?.errors ?? []).body, budget.headers(null));

    const hide = actions.find((action) => action.type === 'hide');
    if (hide?.type === 'hide')
      hidden.set(workspace, { tables: structuredClone(workspace.tables), until: clock.now() + hide.ms });
    const stale = hidden.get(workspace);
    const tables = !read.isMutation && stale && stale.until > clock.now() ? stale.tables : workspace.tables;
    const { scopes, userId } = token;
    const viewer = userId === null ? workspace.appUser : workspace.get('User', userId);
    const answered = answer(read, asked, { workspace, tables, viewer, scopes, faults, baseUrl });

    const after = actions.find((action) => action.type === 'status' && action.commit === 'after');
    if (after?.type === 'status') return send(after.status, 'upstream connect error');
    if (actions.some((action) => action.type === 'loseReply')) return void to.socket?.destroy();
    send(answered.status, answered.body, budget.headers(read.complexity));
  }

  async function upload(from: IncomingMessage, to: ServerResponse, path: string): Promise<void> {
    const [, , organizationId, id = ''] = path.split('/');
    const workspace = workspaces.find((each) => each.organizationId === organizationId);
    const asset = workspace?.tables.Asset.get(id);
    if (!workspace || !asset) return sendJson(to, 404, { error: 'not found' });
    if (from.method === 'PUT') {
      asset.content = await readBody(from);
      return void to.writeHead(200).end();
    }
    const token = oauth.authenticate(from.headers.authorization);
    if (token?.workspaceId !== organizationId) return sendJson(to, 401, { error: 'unauthorized' });
    const content = asset.content ?? new Uint8Array();
    to.writeHead(200, { 'content-type': asset.contentType, 'content-length': content.length });
    to.end(from.method === 'HEAD' ? undefined : content);
  }

  async function handle(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(from.url ?? '/', 'http://linear');
    const recorded: RecordedRequest = {
      at: clock.now(),
      line: `${from.method} ${pathname}`,
      headers: from.headers as Record<string, string>,
      query: '',
      variables: {},
      status: null,
    };
    requests.push(recorded);
    to.once('finish', () => {
      recorded.status = to.statusCode;
    });
    if (from.method === 'POST' && pathname === '/graphql') return graphql(from, to, recorded);
    if (pathname.startsWith('/uploads/')) return upload(from, to, pathname);
    if (from.method === 'GET' && pathname === '/oauth/authorize') return sendAnswer(to, oauth.authorize(searchParams));
    if (from.method !== 'POST') return sendJson(to, 404, { error: 'not found' });
    const form = new URLSearchParams((await readBody(from)).toString('utf8'));
    const { authorization } = from.headers;
    if (pathname === '/oauth/token') return sendAnswer(to, oauth.token(form, authorization));
    if (pathname === '/oauth/revoke') return sendAnswer(to, oauth.revokeRequest(form, authorization));
    sendJson(to, 404, { error: 'not found' });
  }

  const server = createServer((from, to) => {
    handle(from, to).catch((error: Error) => sendJson(to, 500, { errors: [{ message: error.stack }] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const workspace = addWorkspace(options);
  oauth.consent = { workspaceId: workspace.organizationId };

  return {
    url: `${baseUrl}/graphql`,
    baseUrl,
    oauth,
    token: oauth.issue(workspace.organizationId).value,
    workspaces,
    workspace,
    outbox,
    faults,
    clock,
    requests,
    addWorkspace,
    uninstall(from) {
      oauth.revokeAll(from.organizationId);
      tellRevoked(from);
    },
    async close() {
      clock.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(from: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function requestIn(body: string): GraphqlRequest {
  try {
    const { query, variables, operationName } = JSON.parse(body);
    return { query: String(query), variables: variables ?? {}, operationName: operationName ?? null };
  } catch {
    return { query: '', variables: {}, operationName: null };
  }
}

function sendAnswer(to: ServerResponse, { status, body, location }: Answer): void {
  if (location !== undefined) to.writeHead(status, { location }).end();
  else sendJson(to, status, body);
}

function sendJson(to: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const isText = typeof body === 'string';
  to.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json; charset=utf-8', ...headers });
  to.end(isText ? body : JSON.stringify(body));
}
