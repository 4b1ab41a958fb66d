import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { operations } from '@octokit/openapi-types';
import type { Token } from './apps.ts';
import { budgetOf, checkBudget, type Resource } from './budget.ts';
import { contractOf, type Operation } from './contract.ts';
import { expire, send, sendFault } from './faults.ts';
import type { GitHub, RecordedRequest } from './github.ts';
import { badCredentials, notFound, Refusal } from './refusal.ts';
import { checkRight, isVisible } from './rights.ts';
import { fullName, type Repository, type User } from './rows.ts';

type Parameters<Id extends keyof operations> = operations[Id] extends { parameters: infer All } ? All : never;
type Json<Part> = Part extends { content: { 'application/json': infer Body } } ? Body : never;

/** One request that fits the vendor's description. */
export interface Call<Id extends keyof operations = keyof operations> {
  github: GitHub;
  path: Parameters<Id> extends { path: infer Path } ? Path : Record<string, never>;
  query: Parameters<Id> extends { query?: infer Query } ? NonNullable<Query> : Record<string, never>;
  body: operations[Id] extends { requestBody?: infer Body } ? Json<NonNullable<Body>> : undefined;
  accept: string;
  /** Who asks; of the App itself its bot. */
  actor: User;
  /** null: the App itself, or nobody. */
  token: Token | null;
  /** Of an operation under /repos/{owner}/{repo}; read it by `repositoryOf`. */
  repository: Repository | null;
  /** The page that is asked for; the answer gets its `Link`. */
  page<Item>(items: Item[]): Item[];
}

export interface Answer {
  status?: number;
  /** What matters of it: what else the description requires is filled in. */
  body?: unknown;
  headers?: Record<string, string>;
}

/**
 * `needs`: the permission, as "contents:read" ("|" between several of which one will do); "app": the App's own key; "anybody":
 * whoever is let in; "nobody": no key at all.
 */
export interface Route {
  needs: string;
  answer: (call: never) => Answer | Promise<Answer>;
}

export type Routes = Record<string, Route>;

export function route<Id extends keyof operations>(
  needs: string,
  answer: (call: Call<Id>) => Answer | Promise<Answer>,
): Route {
  return { needs, answer };
}

export function repositoryOf(call: { repository: Repository | null }): Repository {
  if (!call.repository) throw notFound();
  return call.repository;
}

const prefix = '/api/v3';

export async function answerRest(
  github: GitHub,
  routes: Routes,
  recorded: RecordedRequest,
  from: IncomingMessage,
  to: ServerResponse,
): Promise<void> {
  const url = new URL(from.url ?? '/', github.url);
  const raw = await readBody(from);
  recorded.body = jsonIn(raw);
  const bearer = /^(?:bearer|token) (.+)$/i.exec(from.headers.authorization ?? '')?.[1] ?? null;
  const headers: Record<string, string> = {
    date: new Date(github.clock.now()).toUTCString(),
    'x-github-request-id': randomUUID(),
    'x-github-media-type': 'github.v3',
  };
  let resource: Resource = 'core';
  try {
    const pathname = url.pathname.startsWith(prefix) ? url.pathname.slice(prefix.length) : null;
    if (pathname === null) throw notFound();
    const found = contractOf('openapi-types').find(from.method ?? '', byName(github, pathname));
    if (!found) {
      github.violations.push(`${recorded.line} is no operation of the vendor's description`);
      throw notFound();
    }
    const { operation } = found;
    recorded.operation = operation.id;
    if (operation.id.startsWith('search/')) resource = 'search';
    const actions = github.faults.ofRequest(operation.id);
    for (const action of actions) {
      if (action.type === 'late') await delay(action.ms);
      else if (action.type === 'expire') expire(github.apps.tokens.find(({ value }) => value === bearer) ?? null);
      else if (action.type === 'status' && action.commit === 'after') continue;
      else if (sendFault(action, from, to, github.clock.now())) return;
    }
    const answer = await carryOut(github, routes, operation, found.path, url.searchParams, recorded, bearer, from);
    for (const action of actions) {
      if (action.type === 'loseReply') return void from.socket.destroy();
      if (action.type === 'status') return void sendFault(action, from, to, github.clock.now());
    }
    Object.assign(headers, answer.headers);
    const status = answer.status ?? 200;
    if (status === 200 && from.method === 'GET') {
      const text = answer.body instanceof Uint8Array ? answer.body : JSON.stringify(answer.body);
      const hash = createHash('sha256')
        .update(bearer ?? '')
        .update(text)
        .digest('hex');
      headers.etag = `W/"${hash}"`;
      if (from.headers['if-none-match'] === headers.etag) {
        Object.assign(headers, budgetOf(github, bearer, 0, resource));
        return send(to, 304, undefined, headers);
      }
    }
    Object.assign(headers, budgetOf(github, bearer, 1, resource));
    send(to, status, answer.body, headers);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(to, error.status, error.body, { ...headers, ...budgetOf(github, bearer, 1, resource), ...error.headers });
  }
}

async function carryOut(
  github: GitHub,
  routes: Routes,
  operation: Operation,
  path: Record<string, string>,
  search: URLSearchParams,
  recorded: RecordedRequest,
  bearer: string | null,
  from: IncomingMessage,
): Promise<Answer> {
  const chosen = routes[operation.id];
  if (!chosen) {
    github.violations.push(`${recorded.line}: the stand-in has no route for ${operation.id}`);
    throw new Refusal(501, `The stand-in does not do ${operation.id}.`);
  }
  const isApp = bearer !== null && github.apps.isApp(bearer);
  if (chosen.needs === 'app' && !isApp) throw new Refusal(401, 'A JSON web token could not be decoded');
  if (bearer === null && chosen.needs !== 'nobody') throw new Refusal(401, 'Requires authentication');
  if (chosen.needs !== 'app' && isApp) throw badCredentials();
  const token = isApp || bearer === null ? null : github.apps.tokenOf(bearer);
  if (bearer !== null) checkBudget(github, bearer, operation.id.startsWith('search/') ? 'search' : 'core');

  const { query, values } = checkRequest(github, operation, path, search, recorded);
  const repository =
    path.owner !== undefined && path.repo !== undefined ? seen(github, path, token, from, isApp) : null;
  if (token && !['anybody', 'nobody'].includes(chosen.needs)) checkRight(github, token, chosen.needs, repository);

  let link: string | null = null;
  const call = {
    github,
    path: values,
    query,
    body: recorded.body,
    accept: from.headers.accept ?? '',
    actor: token?.user ?? github.apps.app.bot,
    token,
    repository,
    page<Item>(items: Item[]): Item[] {
      const size = Math.min(Number(query.per_page ?? 30), 100);
      const page = Number(query.page ?? 1);
      const last = Math.max(Math.ceil(items.length / size), 1);
      const to = (number: number, rel: string) => {
        const next = new URL(from.url ?? '/', github.url);
        next.searchParams.set('page', String(number));
        return `<${next}>; rel="${rel}"`;
      };
      if (page < last) link = [to(page + 1, 'next'), to(last, 'last')].join(', ');
      return items.slice((page - 1) * size, page * size);
    },
  };
  const answer = await (chosen.answer as (call: unknown) => Answer | Promise<Answer>)(call);
  const body = checkAnswer(github, operation, answer, call.accept);
  return { ...answer, body, headers: { ...answer.headers, ...(link === null ? {} : { link }) } };
}

function checkRequest(
  github: GitHub,
  { id }: Operation,
  path: Record<string, string>,
  search: URLSearchParams,
  recorded: RecordedRequest,
): { query: Record<string, unknown>; values: Record<string, unknown> } {
  const contract = contractOf('openapi-types');
  const problems: string[] = [];
  const readAll = (part: string, texts: Record<string, string>) => {
    const schema = contract.part(id, 'parameters', part);
    const values: Record<string, unknown> = {};
    for (const [name, text] of Object.entries(texts)) {
      const property = contract.part(id, 'parameters', part, name);
      values[name] = property ? contract.readText(property, text) : text;
    }
    if (schema) problems.push(...contract.problems(schema, values, part));
    else problems.push(...Object.keys(values).map((name) => `${part}.${name} is unknown`));
    return values;
  };
  const values = readAll('path', path);
  const query = readAll('query', Object.fromEntries(search));
  const body = contract.part(id, 'requestBody', 'content', 'application/json');
  if (body && recorded.body !== undefined) problems.push(...contract.problems(body, recorded.body, 'body'));
  else if (recorded.body !== undefined) problems.push('there is a body, and none is taken');
  if (problems.length === 0) return { query, values };
  github.violations.push(`${recorded.line} (${id}): ${problems.join('; ')}`);
  throw new Refusal(422, `Invalid request.\n\n${problems.join('\n')}`);
}

function checkAnswer(github: GitHub, { id }: Operation, answer: Answer, accept: string): unknown {
  const contract = contractOf('openapi-types');
  const status = String(answer.status ?? 200);
  if (answer.body === undefined || answer.body instanceof Uint8Array) return answer.body;
  const content = contract.part(id, 'responses', status, 'content');
  const types = content?.kind === 'object' ? [...content.properties.keys()] : [];
  const type = types.find((each) => accept.includes(each)) ?? types[0];
  const schema = type === undefined ? null : contract.part(id, 'responses', status, 'content', type);
  if (!schema) throw new Error(`${id} answers nothing with ${status} in the vendor's description`);
  const body = contract.fill(schema, answer.body);
  const problems = contract.problems(schema, body, id);
  if (problems.length > 0) github.violations.push(`The stand-in's answer is not GitHub's: ${problems.join('; ')}`);
  return body;
}

/** The repository by its name, as this token sees it; by a name of before it is elsewhere. */
function seen(
  github: GitHub,
  path: Record<string, string>,
  token: Token | null,
  from: IncomingMessage,
  isApp: boolean,
): Repository {
  const name = `${path.owner}/${path.repo}`.toLowerCase();
  const found = github.repositories.find((each) => fullName(each).toLowerCase() === name);
  const moved = github.repositories.find((each) => each.formerNames.includes(name));
  const repository = found ?? moved;
  const isSeen = isApp || (repository !== undefined && isVisible(github, token, repository));
  if (!repository || !isSeen) throw notFound();
  if (found || !moved) return repository;
  const rest = (from.url ?? '').slice(`${prefix}/repos/${path.owner}/${path.repo}`.length);
  const url = `${github.apiUrl}/repositories/${moved.id}${rest}`;
  throw new Refusal(from.method === 'GET' ? 301 : 307, 'Moved Permanently', { headers: { location: url } });
}

function byName(github: GitHub, pathname: string): string {
  const [, id, rest] = /^\/repositories\/(\d+)(.*)$/.exec(pathname) ?? [];
  const found = github.repositories.find((repository) => String(repository.id) === id);
  return found ? `/repos/${fullName(found)}${rest}` : pathname;
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
    return body.toString('utf8');
  }
}
