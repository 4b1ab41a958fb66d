import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildSchema, execute, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { Token } from './apps.ts';
import { budgetOf, checkBudget } from './budget.ts';
import { expire, send, sendFault } from './faults.ts';
import type { GitHub, RecordedRequest } from './github.ts';
import { Refusal } from './refusal.ts';
import { jsonIn, readBody } from './rest.ts';
import { checkRight, isVisible } from './rights.ts';
import type { Repository, User } from './rows.ts';

/** Who asks a field, and what it is to be refused with. */
export interface GraphqlContext {
  github: GitHub;
  token: Token;
  actor: User;
  /** Throws as GitHub does unless the token may do so there. */
  allow(repository: Repository, needs: string): void;
}

/**
 * The fields of Query and Mutation, as "Mutation.resolveReviewThread". What they answer has `__typename` where the schema
 * leaves it open; members that are functions are called with their own arguments and the context.
 */
export type Fields = Record<string, (args: never, context: GraphqlContext) => unknown>;

/** What is not there, or not to be seen. */
export const unresolved = (what: string): GraphQLError =>
  new GraphQLError(`Could not resolve to a ${what}.`, { extensions: { type: 'NOT_FOUND' } });

export const unprocessable = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { type: 'UNPROCESSABLE' } });

let built: GraphQLSchema | null = null;

/** The vendor's own schema, as its package has it. */
export function githubSchema(): GraphQLSchema {
  if (built) return built;
  // Its own package exports no file and has no entry for `require`; the one beside it has.
  const beside = dirname(createRequire(import.meta.url).resolve('@octokit/openapi-types/package.json'));
  const text = readFileSync(join(beside, '../graphql-schema/schema.graphql'), 'utf8');
  built = buildSchema(text, { assumeValid: true, noLocation: true });
  return built;
}

/** What a connection answers: all of it at once, as far as was asked. */
export function connectionOf<Node>(
  nodes: Node[],
  { first, last, after }: { first?: number; last?: number; after?: string },
) {
  const start = after === undefined || after === null ? 0 : Number(Buffer.from(after, 'base64').toString()) + 1;
  const from = last === undefined || last === null ? start : Math.max(nodes.length - last, 0);
  const shown = nodes.slice(from, first === undefined || first === null ? undefined : from + first);
  const cursor = (index: number) => Buffer.from(String(index)).toString('base64');
  const end = from + shown.length - 1;
  return {
    totalCount: nodes.length,
    nodes: shown,
    edges: shown.map((node, index) => ({ node, cursor: cursor(from + index) })),
    pageInfo: {
      hasNextPage: end + 1 < nodes.length,
      hasPreviousPage: from > 0,
      startCursor: shown.length > 0 ? cursor(from) : null,
      endCursor: shown.length > 0 ? cursor(end) : null,
    },
  };
}

export async function answerGraphql(
  github: GitHub,
  fields: Fields,
  recorded: RecordedRequest,
  from: IncomingMessage,
  to: ServerResponse,
): Promise<void> {
  recorded.operation = 'graphql';
  recorded.body = jsonIn(await readBody(from));
  const bearer = /^(?:bearer|token) (.+)$/i.exec(from.headers.authorization ?? '')?.[1] ?? null;
  const actions = github.faults.ofRequest('graphql');
  for (const action of actions) {
    if (action.type === 'late') await delay(action.ms);
    else if (action.type === 'expire') expire(github.apps.tokens.find(({ value }) => value === bearer) ?? null);
    else if (action.type === 'status' && action.commit === 'after') continue;
    else if (sendFault(action, from, to, github.clock.now())) return;
  }
  try {
    if (bearer === null) throw new Refusal(401, 'Requires authentication');
    const token = github.apps.tokenOf(bearer);
    checkBudget(github, bearer);
    const answered = await carryOut(github, fields, token, recorded);
    for (const action of actions) {
      if (action.type === 'loseReply') return void from.socket.destroy();
      if (action.type === 'status') return void sendFault(action, from, to, github.clock.now());
    }
    send(to, 200, answered, budgetOf(github, bearer, 1));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(to, error.status, error.body, { ...budgetOf(github, bearer, 1), ...error.headers });
  }
}

async function carryOut(github: GitHub, fields: Fields, token: Token, recorded: RecordedRequest): Promise<unknown> {
  const { query = '', variables } = (recorded.body ?? {}) as { query?: string; variables?: Record<string, unknown> };
  const schema = githubSchema();
  let wrong: readonly GraphQLError[];
  try {
    const document = parse(query);
    wrong = validate(schema, document);
    if (wrong.length === 0) {
      const answer = await execute({
        schema,
        document,
        variableValues: variables ?? null,
        contextValue: contextOf(github, token),
        fieldResolver: (source, args, context: GraphqlContext, info) => {
          const name = `${info.parentType.name}.${info.fieldName}`;
          const isRoot = ['Query', 'Mutation'].includes(info.parentType.name);
          const value = isRoot ? fields[name] : source[info.fieldName];
          if (value === undefined) {
            github.violations.push(`The stand-in does not know ${name} (${info.path.key}).`);
            throw new Error(`The stand-in does not know ${name}.`);
          }
          return typeof value === 'function' ? value(args, context) : value;
        },
      });
      return {
        data: answer.data ?? null,
        ...(answer.errors ? { errors: answer.errors.map(shown) } : {}),
      };
    }
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    wrong = [error];
  }
  github.violations.push(
    `A GraphQL document is not of GitHub's schema: ${wrong.map(({ message }) => message).join('; ')}`,
  );
  return { errors: wrong.map(shown) };
}

function contextOf(github: GitHub, token: Token): GraphqlContext {
  return {
    github,
    token,
    actor: token.user,
    allow(repository, needs) {
      if (!isVisible(github, token, repository)) throw unresolved(`Repository`);
      try {
        checkRight(github, token, needs, repository);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        throw new GraphQLError(error.message, { extensions: { type: 'FORBIDDEN' } });
      }
    },
  };
}

function shown({ message, path, locations, extensions }: GraphQLError): object {
  return { ...(extensions?.type ? { type: extensions.type } : {}), path, locations, message };
}
