import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  buildSchema,
  type DocumentNode,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  parse,
  validate,
} from 'graphql';
import { type FaultAction, send, sendFault } from './faults.ts';
import type { GitHub, RecordedRequest } from './github.ts';
import { type GraphqlContext, rootValue } from './graphql-fields.ts';
import { badCredentials, Refusal } from './refusal.ts';

let built: GraphQLSchema | null = null;

/** GitHub's own schema. It takes a second to build: once for each process. */
async function githubSchema(): Promise<GraphQLSchema> {
  const { schema } = await import('@octokit/graphql-schema');
  // It deprecates fields that their interfaces do not, which graphql-js takes for wrong.
  built ??= buildSchema(schema.idl, { assumeValid: true, noLocation: true });
  return built;
}

const valid = new Map<string, DocumentNode>();

/** `POST /api/graphql` */
export async function answerGraphql(
  github: GitHub,
  recorded: RecordedRequest,
  from: IncomingMessage,
  to: ServerResponse,
): Promise<void> {
  recorded.operation = 'graphql';
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk);
  const asked = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { query: string; variables?: object };
  recorded.body = asked;
  const actions = github.faults.ofRequest('graphql');
  const isLater = (action: FaultAction) => action.type === 'status' && action.commit === 'after';
  for (const action of actions) {
    if (action.type === 'late') await delay(action.ms);
    else if (!isLater(action) && sendFault(action, from, to, github.clock.now())) return;
  }
  try {
    const bearer = /^(?:bearer|token) (.+)$/i.exec(from.headers.authorization ?? '')?.[1];
    if (bearer === undefined) throw new Refusal(401, 'This endpoint requires you to be authenticated.');
    if (github.apps.isApp(bearer)) throw badCredentials();
    const token = github.apps.tokenOf(bearer);
    const body = await carryOut(asked, { github, token });
    for (const action of actions) {
      if (action.type === 'loseReply') return void from.socket.destroy();
      if (isLater(action)) return void sendFault(action, from, to, github.clock.now());
    }
    send(to, 200, body);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(to, error.status, error.body, error.headers);
  }
}

async function carryOut(
  { query, variables }: { query: string; variables?: object },
  context: GraphqlContext,
): Promise<unknown> {
  const schema = await githubSchema();
  let document = valid.get(query);
  try {
    document ??= parse(query);
  } catch (error) {
    return { errors: [told(error as GraphQLError)] };
  }
  if (!valid.has(query)) {
    const errors = validate(schema, document);
    for (const { message } of errors) context.github.violations.push(`GraphQL: ${message}`);
    if (errors.length > 0) return { errors: errors.map(told) };
    valid.set(query, document);
  }
  const { data, errors } = await execute({
    schema,
    document,
    rootValue,
    contextValue: context,
    variableValues: variables as Record<string, unknown>,
  });
  // Whatever threw anything but a refusal is the stand-in's own fault.
  for (const error of errors ?? [])
    if (!error.extensions.type)
      context.github.violations.push(`GraphQL: ${error.originalError?.stack ?? error.message}`);
  return { ...(data !== undefined && { data }), ...(errors && { errors: errors.map(told) }) };
}

/** GitHub has the kind of an error beside its message. */
function told({ message, path, locations, extensions }: GraphQLError): object {
  const { type, ...others } = extensions;
  return {
    ...(typeof type === 'string' && { type }),
    path,
    locations,
    message,
    ...(Object.keys(others).length > 0 && { extensions: others }),
  };
}
