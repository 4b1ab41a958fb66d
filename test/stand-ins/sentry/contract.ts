import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';

/** As OpenAPI 3.0 has it; what derive-contract.ts keeps of one. */
export interface JsonSchema {
  $ref?: string;
  type?: string;
  nullable?: boolean;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  additionalProperties?: JsonSchema | boolean;
}

/** One operation of the vendor's description. */
export interface Operation {
  /** "getOrganizationIssue" */
  id: string;
  method: string;
  /** "/api/0/organizations/{organization_id_or_slug}/issues/{issue_id}/" */
  path: string;
  /** One of these is enough. */
  scopes: string[];
  query: Record<string, JsonSchema>;
  answer: JsonSchema;
}

const described = JSON.parse(readFileSync(new URL('contract.json', import.meta.url), 'utf8')) as {
  operations: Operation[];
  $defs: Record<string, JsonSchema>;
};

/** As the description has it of a release. */
const commit = described.operations.find(({ id }) => id === 'listProjectReleaseCommits')?.answer.items ?? {};

/** Not in the description: what Sentry's own pages ask for, as its source has it. */
const undescribed: Operation = {
  id: 'getProjectEventCommitters',
  method: 'GET',
  path: '/api/0/projects/{organization_id_or_slug}/{project_id_or_slug}/events/{event_id}/committers/',
  scopes: ['event:admin', 'event:read', 'event:write', 'project:read'],
  query: {},
  answer: {
    type: 'object',
    properties: {
      committers: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            author: { type: 'object', nullable: true, additionalProperties: true },
            commits: { type: 'array', items: commit },
            group_owner_id: { type: 'integer' },
          },
          required: ['author', 'commits', 'group_owner_id'],
        },
      },
    },
    required: ['committers'],
  },
};

export const operations: readonly Operation[] = [...described.operations, undescribed];

const ajv = new Ajv({ strict: false, allErrors: true });
const validators = new Map<string, ValidateFunction>();

/** The operation that a request is for, and what its path says; null: there is none. */
export function findOperation(
  method: string,
  pathname: string,
): { operation: Operation; path: Record<string, string> } | null {
  const asked = pathname.split('/');
  for (const operation of operations) {
    const segments = operation.path.split('/');
    if (operation.method !== method || segments.length !== asked.length) continue;
    const path: Record<string, string> = {};
    const fits = segments.every((segment, index) => {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      const given = decodeURIComponent(asked[index] ?? '');
      if (name !== undefined) path[name] = given;
      return name === undefined ? segment === given : given !== '';
    });
    if (fits) return { operation, path };
  }
  return null;
}

/** What is wrong with an answer; a member that the description does not name is wrong, too. */
export function answerProblems(operation: Operation, answer: unknown): string[] {
  return check(operation.id, operation.answer, answer);
}

export function queryProblems({ id, query }: Operation, given: URLSearchParams): string[] {
  return [...new Set(given.keys())].flatMap((name) => {
    const schema = query[name];
    if (schema === undefined) return [`?${name} is not in the description`];
    const values = given.getAll(name).map((value) => (/^\d+$/.test(value) ? Number(value) : value));
    const tried = (value: unknown) => check(`${id}?${name}`, schema, value);
    if (schema.type === 'array') return tried(values);
    const value = schema.type === 'string' ? given.get(name) : values[0];
    return values.length > 1 ? [`?${name} is given more than once`] : tried(value);
  });
}

function check(name: string, schema: JsonSchema, value: unknown): string[] {
  const known = validators.get(name);
  const validate = known ?? ajv.compile({ ...closed(schema), $defs: closedDefinitions });
  if (!known) validators.set(name, validate);
  // What is undefined is not sent.
  if (validate(value === undefined ? undefined : JSON.parse(JSON.stringify(value)))) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${name}${instancePath} ${message} ${JSON.stringify(params)}`;
  });
}

/** Names no more members than the description does, and takes null where that may be. */
function closed(schema: JsonSchema): JsonSchema {
  const { nullable, properties, items, anyOf, oneOf, additionalProperties, ...rest } = schema;
  const whole: JsonSchema = {
    ...rest,
    ...(items && { items: closed(items) }),
    ...(anyOf && { anyOf: anyOf.map(closed) }),
    ...(oneOf && { anyOf: oneOf.map(closed) }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, closed(inner)])),
      additionalProperties: false,
    }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: closed(additionalProperties) }),
    ...(additionalProperties === true && { additionalProperties }),
  };
  return nullable ? { anyOf: [whole, { type: 'null' }] } : whole;
}

const closedDefinitions = Object.fromEntries(
  Object.entries(described.$defs).map(([name, schema]) => [name, closed(schema)]),
);

/** The same with what the description requires and `value` lacks, as empty as may be. What is given stays, be it wrong. */
export function fillAnswer(schema: JsonSchema, value: unknown): unknown {
  const known = resolve(schema);
  if (Array.isArray(value)) return value.map((each) => fillAnswer(known.items ?? {}, each));
  if (value === null || (value === undefined && known.nullable)) return null;
  if (known.type === 'object' && known.properties && (value === undefined || typeof value === 'object')) {
    const given: Record<string, unknown> = { ...(value as object | undefined) };
    for (const [name, inner] of Object.entries(known.properties))
      if (given[name] !== undefined || known.required?.includes(name)) given[name] = fillAnswer(inner, given[name]);
    return given;
  }
  if (value !== undefined) return value;
  if (known.enum) return known.enum[0];
  const [first] = known.anyOf ?? [];
  if (first) return fillAnswer(first, undefined);
  return { object: {}, array: [], string: '', integer: 0, number: 0, boolean: false }[known.type ?? 'object'];
}

function resolve(schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : resolve(described.$defs[name] ?? {});
}
