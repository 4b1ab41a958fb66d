import { randomUUID } from 'node:crypto';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { namesRevision, speakBothRevisions } from '../../mcp-servers/both-revisions.ts';
import type { Person } from '../core/ticket.ts';
import { refuseHeaders } from './mcp-headers.ts';

export interface McpOptions {
  /** Whom a token speaks for; null: it is none of ours. */
  personOf(token: string): Promise<Person | 'revoked' | null>;
  /** The tools, for one request of one person. It is closed after that, which aborts what is under way. */
  serve(person: Person): McpServer | Promise<McpServer>;
  /** Where people reach the service, if it is known. */
  publicUrl: string | null;
  onError(error: unknown): void;
}

/** What a test printed may be 5 MB, and JSON makes it longer. */
const maxBody = 8_000_000;

const another =
  'Ask whoever runs the service for one (shipmate token create NAME), and log in with it: shipmate login URL';

/**
 * `/mcp`: the Model Context Protocol over streamable HTTP, in its revisions up to 2026-07-28, for whoever brings a personal token (`Authorization: Bearer`).
 * Each POST is whole in itself: any process may answer it with JSON, and nothing is kept between two. The session that
 * `initialize` names serves only to tell whose call is cancelled, in the process that answers it. Refusals are JSON-RPC errors
 * whose message says what to do: 401 token missing, unknown or revoked; 403 a page of another origin; 405 no POST;
 * 413 too large; 400 no JSON; 503 the database is away.
 */
export function mcpRoute(options: McpOptions): (RequestHandler | ErrorRequestHandler)[] {
  const { personOf, serve, publicUrl, onError } = options;
  /** Ends a call that is under way, by who made it. */
  const running = new Map<string, () => void>();

  const admit: RequestHandler = async (request, response, next) => {
    response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const { origin, authorization = '' } = request.headers;
    if (origin !== undefined && !ownOrigins(request, publicUrl).includes(origin))
      return refuse(response, 403, 'Pages of other sites may not use this. Use it from an editor or a terminal.');
    if (request.method !== 'POST')
      return refuse(
        response.set('allow', 'POST'),
        405,
        'Send each message with POST: there is no stream to listen to.',
      );
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token === undefined)
      return unauthorized(response, `This needs a personal token, as "Authorization: Bearer shp_...". ${another}.`, '');
    let person: Awaited<ReturnType<McpOptions['personOf']>>;
    try {
      person = await personOf(token);
    } catch (error) {
      onError(error);
      return refuse(response.set('retry-after', '5'), 503, 'Shipmate cannot answer now. Try again in a minute.');
    }
    if (person === null) return unauthorized(response, `This token is not known here. ${another}.`);
    if (person === 'revoked') return unauthorized(response, `This token was revoked. ${another}.`);
    response.locals.person = person;
    next();
  };

  const answer: RequestHandler = async (request, response) => {
    const { promise: gone, resolve: leave } = Promise.withResolvers<null>();
    response.once('close', () => leave(null));
    const refused = namesRevision(request.body) ? refuseHeaders(request.body, (name) => request.get(name)) : null;
    if (refused !== null) {
      const { status, error } = refused;
      return void response.status(status).json({ jsonrpc: '2.0', id: request.body.id, error });
    }
    const person = response.locals.person as Person;
    const { method, id, params } = read(request.body);
    const keyOf = (call: unknown) => JSON.stringify([person.id, request.headers['mcp-session-id'], call]);
    if (method === 'notifications/cancelled') {
      running.get(keyOf(params?.requestId))?.();
      return void response.status(202).end();
    }
    const key = id === undefined || request.headers['mcp-session-id'] === undefined ? null : keyOf(id);
    if (key !== null) running.set(key, () => leave(null));
    try {
      const answered = await carryOut(await serve(person), request, gone);
      // Nobody waits for it: the client has hung up, or has cancelled it and takes no answer.
      if (answered === null) return void (response.closed || response.status(202).end());
      if (method === 'initialize' && answered.ok) response.set('mcp-session-id', randomUUID());
      response.status(answered.status).set(Object.fromEntries(answered.headers));
      response.end(await answered.text());
    } finally {
      if (key !== null) running.delete(key);
    }
  };

  const failed: ErrorRequestHandler = (error: Unreadable, _request, response, _next) => {
    if (response.headersSent) return void response.destroy();
    const { status = 500, type, expose = false } = error;
    if (type === 'entity.too.large')
      return refuse(
        response,
        413,
        `This is larger than ${maxBody / 1_000_000} MB. Keep of the output what is around its first error, and send it again.`,
      );
    if (type === 'entity.parse.failed') return refuse(response, 400, 'This is not JSON.', -32_700);
    if (expose) return refuse(response, status, 'This request cannot be read. Send JSON in UTF-8.');
    onError(error);
    refuse(response, 500, "This could not be done. The service's log says why.", -32_603);
  };

  return [admit, express.json({ type: () => true, limit: maxBody, strict: false }), answer, failed];
}

/** What is thrown where a body is read; `expose`: it is the client's fault. */
interface Unreadable {
  status?: number;
  type?: string;
  expose?: boolean;
}

/** null: `gone` came first. Whatever is still under way then is aborted. */
async function carryOut(server: McpServer, request: Request, gone: Promise<null>): Promise<globalThis.Response | null> {
  // Loaded here: a service that nobody uses so does without.
  const { WebStandardStreamableHTTPServerTransport } = await import(
    '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
  );
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  try {
    await server.connect(speakBothRevisions(transport as Parameters<McpServer['connect']>[0]));
    return await Promise.race([gone, transport.handleRequest(withoutToken(request), { parsedBody: request.body })]);
  } finally {
    await server.close();
  }
}

function refuse(response: Response, status: number, message: string, code = -32_000): void {
  response.status(status).json({ jsonrpc: '2.0', error: { code, message }, id: null });
}

/** Some clients show people the header alone. */
function unauthorized(response: Response, message: string, error = 'error="invalid_token"'): void {
  const parts = ['Bearer realm="shipmate"', error, `error_description="${message.replaceAll('"', "'")}"`];
  refuse(response.set('www-authenticate', parts.filter(Boolean).join(', ')), 401, message, -32_001);
}

/**
 * A page's own address is the public one, or that of the machine itself: never what the request says it was sent to, because a
 * name that points here today may have been somebody else's when the page was loaded.
 */
function ownOrigins({ socket }: Request, publicUrl: string | null): string[] {
  const address = socket.localAddress?.replace(/^::ffff:/, '') ?? '';
  const hosts = ['localhost', address.includes(':') ? `[${address}]` : address];
  const own = hosts.flatMap((host) => URL.parse(`http://${host}:${socket.localPort}`)?.origin ?? []);
  return publicUrl === null ? own : [...own, new URL(publicUrl).origin];
}

/** What decides how a message is dealt with; the SDK checks the rest. */
function read(message: unknown): { method?: unknown; id?: unknown; params?: { requestId?: unknown } } {
  return typeof message === 'object' && message !== null ? message : {};
}

/** What the transport looks at, and no more: tools are handed the headers. It knows no revision that a message names. */
function withoutToken(request: Request): globalThis.Request {
  const names = ['accept', 'content-type', ...(namesRevision(request.body) ? [] : ['mcp-protocol-version'])];
  const headers = names.flatMap((name) => (request.get(name) === undefined ? [] : [[name, request.get(name) ?? '']]));
  return new globalThis.Request('http://localhost/mcp', {
    method: 'POST',
    headers: Object.fromEntries(headers) as Record<string, string>,
  });
}
