import {
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from 'graphql';
import type { Faults } from './faults.ts';
import { forbidden, invalidInput } from './refusal.ts';
import type { Kind, Tables, User } from './rows.ts';
import type { Workspace } from './workspace.ts';

/** What a request is answered with. */
export interface Context {
  workspace: Workspace;
  /** What reads see: the workspace's, or what they were a while ago. */
  tables: Tables;
  /** Whose token it is. */
  viewer: User;
  scopes: ReadonlySet<string>;
  faults: Faults;
  /** Where the server itself is reached. */
  baseUrl: string;
}

export type Resolver<Source = never, Args = Record<string, never>> = (
  source: Source,
  args: Args,
  context: Context,
  info: GraphQLResolveInfo,
) => unknown;

/** By type and field. */
export type Resolvers = Record<string, Record<string, Resolver<never, never>>>;

/**
 * A field's own resolver; or else what the row has by that name, the row that it refers to by `<name>Id`, or what is empty.
 * What nobody has written for Query and Mutation is an error: nothing may seem to work.
 */
export function fieldResolver(resolvers: Resolvers): GraphQLFieldResolver<unknown, Context> {
  return (source, args, context, info) => {
    const type = info.parentType.name;
    if (type === 'Mutation') {
      const why = context.faults.ofField(info.fieldName);
      if (why !== null) throw invalidInput(why);
      checkScopes(info.fieldName, context.scopes);
    }
    const own = resolvers[type]?.[info.fieldName] as Resolver<unknown, unknown> | undefined;
    if (own) return own(source, args, context, info);
    if (type === 'Query' || type === 'Mutation')
      throw new Error(`The stand-in does not know ${type}.${info.fieldName}: write it in test/stand-ins/linear.`);
    return fieldOf(source, info.fieldName, info.returnType, context);
  };
}

export function fieldOf(source: unknown, name: string, type: GraphQLOutputType, { tables }: Context): unknown {
  const row = source as Record<string, unknown>;
  if (row[name] !== undefined) return row[name];
  const id = row[`${name}Id`];
  const related = typeof id === 'string' ? tables[getNamedType(type).name as Kind]?.get(id) : undefined;
  return related ?? emptyOf(type);
}

/** The least that a type allows. */
function emptyOf(type: GraphQLOutputType): unknown {
  if (!isNonNullType(type)) return isConnection(type) ? {} : null;
  const inner = type.ofType;
  if (isListType(inner)) return [];
  if (isObjectType(inner)) return {};
  if (isEnumType(inner)) return inner.getValues()[0]?.value;
  if (isScalarType(inner))
    return (
      { Boolean: false, Int: 0, Float: 0, DateTime: new Date(0).toISOString(), JSONObject: {}, JSON: {} }[inner.name] ??
      ''
    );
  return null;
}

function isConnection(type: GraphQLOutputType): boolean {
  return getNamedType(type).name.endsWith('Connection');
}

function checkScopes(mutation: string, scopes: ReadonlySet<string>): void {
  const enough = ['write'];
  if (mutation === 'issueCreate') enough.push('issues:create');
  if (mutation === 'commentCreate') enough.push('comments:create');
  const isAgents = mutation.startsWith('agent');
  const agents = ['app:assignable', 'app:mentionable'];
  if (!enough.some((scope) => scopes.has(scope)) || (isAgents && !agents.some((scope) => scopes.has(scope))))
    throw forbidden(`Invalid scope: \`${isAgents ? agents[0] : 'write'}\` required`);
}
