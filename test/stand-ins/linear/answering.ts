import { type DocumentNode, executeSync, GraphQLError, Kind, parse, validate } from 'graphql';
import { complexityOf, mostComplex } from './budget.ts';
import { mutations } from './mutations.ts';
import { queries } from './queries.ts';
import { invalidInput, tooComplex } from './refusal.ts';
import { type Context, fieldResolver } from './resolving.ts';
import { linearSchema } from './schema.ts';

/** A GraphQL request as it came. */
export interface GraphqlRequest {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | null;
}

/** What is known of a request before it is answered. */
export interface ReadRequest {
  document: DocumentNode;
  isMutation: boolean;
  /** The names of its operations, and the fields of Query and Mutation that it asks for. */
  operations: string[];
  fields: string[];
  complexity: number;
}

const resolve = fieldResolver({ ...queries, ...mutations });

/** Parses and validates. Throws all that is wrong with it, in one `RequestRefused`. */
export function readRequest({ query, variables }: GraphqlRequest): ReadRequest {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch (error) {
    throw new RequestRefused([withCode(error as GraphQLError, 'GRAPHQL_PARSE_FAILED')]);
  }
  const errors = validate(linearSchema(), document);
  if (errors.length > 0) throw new RequestRefused(errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')));
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const complexity = complexityOf(document, variables);
  if (complexity > mostComplex) throw new RequestRefused([tooComplex(complexity)]);
  return {
    document,
    isMutation: operations.some(({ operation }) => operation === 'mutation'),
    operations: operations.map(({ name }) => name?.value ?? ''),
    fields: operations.flatMap(({ selectionSet }) =>
      selectionSet.selections.flatMap((selection) => (selection.kind === Kind.FIELD ? [selection.name.value] : [])),
    ),
    complexity,
  };
}

/** Answers by the schema. All of it is done when this returns. */
export function answer(
  { document }: ReadRequest,
  { variables, operationName }: GraphqlRequest,
  context: Context,
): { status: number; body: unknown } {
  if (!isStorable(variables)) return refused([invalidInput('Text must be well formed and have no NUL.')]);
  const { data, errors } = executeSync({
    schema: linearSchema(),
    document,
    variableValues: variables,
    operationName,
    contextValue: context,
    fieldResolver: resolve,
  });
  if (data === undefined) return refused((errors ?? []).map((error) => withCode(error, 'BAD_USER_INPUT')));
  return { status: 200, body: { data, ...(errors && { errors: errors.map(withType) }) } };
}

export class RequestRefused extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super(errors.map(({ message }) => message).join('; '));
    this.name = 'RequestRefused';
    this.errors = errors;
  }
}

export function refused(errors: readonly GraphQLError[], status = 400): { status: number; body: unknown } {
  return { status, body: { errors: errors.map(withType) } };
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes, source, positions, path } = error;
  const extensions = { code, type: 'graphql error', userError: true, http: { status: 400 } };
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

/** What threw anything but a refusal is the stand-in's own fault, and is seen as one. */
function withType(error: GraphQLError): GraphQLError {
  if (error.extensions.type !== undefined || error.extensions.code !== undefined) return error;
  const { message, nodes, source, positions, path } = error;
  const extensions = { code: 'INTERNAL_SERVER_ERROR', type: 'internal error' };
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

/** PostgreSQL, behind Linear, takes no NUL and no half of a character. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isStorable);
}
