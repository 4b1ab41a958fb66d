import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { findOperation, type Given, type Operation, problemsOf, readGiven } from './contract.ts';
import { send, sendFault } from './faults.ts';
import { type FormFile, readForm } from './forms.ts';
import type { Actor, Jira, RecordedRequest } from './jira.ts';
import type { Asked } from './limits.ts';
import type { Token } from './oauth.ts';
import { forbidden, Refusal } from './refusal.ts';
import type { User } from './rows.ts';
import type { Site } from './site.ts';
import type { Eye } from './views.ts';

/** One request that fits the vendor's description. */
export interface Call<Id extends string = string> {
  jira: Jira;
  site: Site;
  eye: Eye;
  /** Who asks. Throws 401 for nobody. */
  user: User;
  token: Token | null;
  /** What a client of jira.js was given to ask this. */
  given: Given<Id>;
  files: FormFile[];
  /** Says what is wrong with the request though Jira may take it. */
  object(problem: string): void;
}

export interface Answer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What a token with scopes must have for it; "admin": the user must be an administrator, too; "app": only an app's own token will do. */
export type Need = 'read' | 'write' | 'user' | 'webhook' | 'admin' | 'nobody';

export interface Route {
  needs: Need;
  answer: (call: never) => Answer | Promise<Answer>;
}
export type Routes = Record<string, Route>;

export function route<Id extends string>(needs: Need, answer: (call: Call<Id>) => Answer | Promise<Answer>): Route {
  return { needs, answer };
}

const scopeFor: Record<Need, string | null> = {
  read: 'read:jira-work',
  write: 'write:jira-work',
  user: 'read:jira-user',
  webhook: 'manage:jira-webhook',
  admin: 'manage:jira-configuration',
  nobody: null,
};

export interface Place {
  site: Site;
  /** "/rest/api/3/myself" */
  pathname: string;
  isGateway: boolean;
}

export async function answerRest(
  jira: Jira,
  routes: Routes,
  meter: (asked: Asked) => Record<string, string>,
  place: Place,
  recorded: RecordedRequest,
  from: IncomingMessage,
  to: ServerResponse,
): Promise<void> {
  const { site, pathname } = place;
  const url = new URL(from.url ?? '/', site.url);
  const raw = await readBody(from);
  recorded.body = jsonIn(raw);
  const found = findOperation(from.method ?? '', pathname);
  if (!found) {
    const hint = pathname.startsWith('/rest/api/2/')
      ? '; text in the older markup is written there: send documents'
      : '';
    jira.violations.push(`${recorded.line} is no operation that jira.js knows${hint}`);
    return send(to, 404, { errorMessages: ['Not Found'], errors: {} });
  }
  const { operation } = found;
  recorded.operation = operation.id;
  const headers: Record<string, string> = {};
  try {
    const actions = jira.faults.ofRequest(operation.id);
    for (const action of actions) {
      if (action.type === 'late') await delay(action.ms);
      else if (action.type === 'meanwhile') await action.does();
      else if (action.type === 'revoke') jira.oauth.revoke(credentialIn(from.headers.authorization).secret);
      else if (action.type === 'status' && action.commit === 'after') continue;
      else if (sendFault(action, from, to)) return;
    }
    const answer = await carryOut(
      jira,
      routes,
      meter,
      place,
      operation,
      found.path,
      url.searchParams,
      recorded,
      raw,
      from,
      headers,
    );
    for (const action of actions) {
      if (action.type === 'loseReply') return void from.socket.destroy();
      if (action.type === 'cutReply') return cutReply(to, answer);
      if (action.type === 'status') return void sendFault(action, from, to);
    }
    send(to, answer.status ?? (answer.body === undefined ? 204 : 200), answer.body, { ...headers, ...answer.headers });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(to, error.status, error.body, { ...headers, ...error.headers });
  }
}

function cutReply(to: ServerResponse, { body }: Answer): void {
  const text = JSON.stringify(body ?? {});
  to.writeHead(200, { 'content-type': 'application/json;charset=UTF-8', 'content-length': Buffer.byteLength(text) });
  to.write(text.slice(0, text.length / 2), () => to.socket?.destroy());
}

async function carryOut(
  jira: Jira,
  routes: Routes,
  meter: (asked: Asked) => Record<string, string>,
  { site, isGateway }: Place,
  operation: Operation,
  path: Record<string, string>,
  search: URLSearchParams,
  recorded: RecordedRequest,
  raw: Buffer,
  from: IncomingMessage,
  headers: Record<string, string>,
): Promise<Answer> {
  const chosen = routes[operation.id];
  if (!chosen) {
    jira.violations.push(`${recorded.line}: the stand-in has no route for ${operation.id}`);
    throw new Refusal(501, { errorMessages: [`The stand-in does not do ${operation.id}.`], errors: {} });
  }
  const actor: Actor =
    chosen.needs === 'nobody' ? { user: null, token: null } : authenticate(jira, site, isGateway, from, headers);
  if (actor.user) headers['x-aaccountid'] = encodeURIComponent(actor.user.accountId);
  checkScope(chosen.needs, actor);
  const idOrKey = path.issueIdOrKey;
  const issueId = idOrKey === undefined ? null : (site.find(idOrKey)?.id ?? null);
  const isApp = actor.token !== null && actor.token.kind !== 'apiToken';
  const asked = { cloudId: site.cloudId, operation: operation.id, method: operation.method, issueId, isApp };
  Object.assign(headers, meter(asked));

  const files = operation.isForm ? readForm(raw, from.headers['content-type'] ?? '') : [];
  if (operation.isForm && from.headers['x-atlassian-token'] !== 'no-check') throw new Refusal(403, 'XSRF check failed');
  const body = operation.isForm ? undefined : recorded.body;
  const { given, problems } = readGiven(
    operation,
    operation.isForm ? { ...path, attachments: files as never } : path,
    search,
    body,
  );
  const object = (problem: string) => void jira.violations.push(`${recorded.line} (${operation.id}): ${problem}`);
  if (problems.length > 0) {
    object(problems.join('; '));
    throw new Refusal(400, {
      errorMessages: ['Invalid request payload. Refer to the REST API documentation and try again.'],
      errors: {},
    });
  }
  if (!isStorable(given))
    throw new Refusal(400, { errorMessages: ['The text has characters that cannot be stored.'], errors: {} });
  const base = isGateway ? jira.gatewayOf(site) : site.url;
  const eye: Eye = { site, base, user: actor.user };
  const call = { jira, site, eye, user: actor.user ?? nobody, token: actor.token, given, files, object };
  if (chosen.needs === 'admin' && !actor.user?.isAdmin)
    throw forbidden('You do not have the permission to administer Jira.');
  const answer = await (chosen.answer as (call: unknown) => Answer | Promise<Answer>)(call);
  checkAnswer(jira, operation, answer);
  return answer;
}

/** Somebody without an account, who sees nothing. */
const nobody: User = {
  accountId: 'anonymous',
  displayName: 'Anonymous',
  emailAddress: '',
  accountType: 'atlassian',
  active: false,
  isServiceAccount: false,
  isAdmin: false,
  roles: [],
  timeZone: 'Etc/UTC',
};

/** The stand-in's own answers are checked by the schemas that jira.js checks Jira's by. */
function checkAnswer(jira: Jira, { id, answer: schema }: Operation, { body }: Answer): void {
  if (schema === null || body === undefined || body instanceof Uint8Array) return;
  const problems = problemsOf(schema, JSON.parse(JSON.stringify(body)));
  if (problems.length > 0) jira.violations.push(`The stand-in's answer to ${id} is not Jira's: ${problems.join('; ')}`);
}

export function authenticate(
  jira: Jira,
  site: Site,
  isGateway: boolean,
  from: IncomingMessage,
  headers: Record<string, string>,
): Actor {
  const { email, secret } = credentialIn(from.headers.authorization);
  const token = jira.oauth.find(secret);
  // A token with scopes, and any of OAuth's, is for the gateway; one without is for the site.
  const fits =
    token?.sites.includes(site) &&
    (token.scopes !== null) === isGateway &&
    (email === null
      ? isGateway
      : token.kind === 'apiToken' && token.user.emailAddress.toLowerCase() === email.toLowerCase());
  if (token && fits) return { user: token.user, token };
  if (isGateway) throw new Refusal(401, { code: 401, message: 'Unauthorized' });
  headers['x-seraph-loginreason'] = 'AUTHENTICATED_FAILED';
  if (site.isAnonymousOnBadToken) return { user: null, token: null };
  throw new Refusal(401, 'Client must be authenticated to access this resource.', {
    'www-authenticate': 'OAuth realm="site"',
  });
}

function credentialIn(authorization = ''): { email: string | null; secret: string } {
  const bearer = /^Bearer (.+)$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return { email: null, secret: bearer };
  const basic = Buffer.from(/^Basic (.+)$/i.exec(authorization)?.[1] ?? '', 'base64').toString('utf8');
  const at = basic.indexOf(':');
  return { email: basic.slice(0, Math.max(at, 0)), secret: basic.slice(at + 1) };
}

function checkScope(need: Need, { token }: Actor): void {
  const scope = scopeFor[need];
  if (scope === null || !token?.scopes || token.scopes.has(scope)) return;
  throw new Refusal(401, { code: 401, message: 'Unauthorized; scope does not match' });
}

/** PostgreSQL, behind Jira, takes no NUL and no half of a character. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isStorable);
}

export async function readBody(from: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function jsonIn(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
