/**
 * Makes contract.json: of the vendor's description of its API the operations that are asked here, without its words. That is
 * `openapi-derefed.json` of github.com/getsentry/sentry-api-schema, whose `info.license` is Apache 2.0:
 *
 *     node test/stand-ins/sentry/derive-contract.ts openapi-derefed.json
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { JsonSchema } from './contract.ts';

interface Described {
  operationId: string;
  parameters?: { in: string; name: string; schema: JsonSchema }[];
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
  security?: Record<string, string[]>[];
}

const organization = '/api/0/organizations/{organization_id_or_slug}';
const project = '/api/0/projects/{organization_id_or_slug}/{project_id_or_slug}';
const asked = [
  `GET ${organization}/issues/`,
  `GET ${organization}/issues/{issue_id}/`,
  `GET ${organization}/issues/{issue_id}/events/`,
  `GET ${organization}/issues/{issue_id}/events/{event_id}/`,
  `GET ${organization}/shortids/{issue_id}/`,
  `GET ${organization}/releases/{version}/`,
  `GET ${organization}/releases/{version}/deploys/`,
  `GET ${project}/`,
  `GET ${project}/releases/`,
  `GET ${project}/releases/{version}/commits/`,
];

/** What of a schema says what a value is. */
const kept = ['type', 'properties', 'required', 'items', 'enum', 'anyOf', 'oneOf', 'additionalProperties', 'nullable'];

const [file = ''] = process.argv.slice(2);
const { info, paths } = JSON.parse(readFileSync(file, 'utf8')) as {
  info: { version: string; license: { name: string } };
  paths: Record<string, Record<string, Described>>;
};

/** Written once where it stands more often. */
const definitions = new Map<string, { schema: JsonSchema; uses: number }>();

function cut(schema: JsonSchema): JsonSchema {
  const small: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema).filter(([name]) => kept.includes(name)))
    if (name === 'properties')
      small[name] = Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [key, cut(inner)]));
    else if (Array.isArray(value))
      small[name] = value.map((each) => (typeof each === 'object' && each ? cut(each) : each));
    else small[name] = typeof value === 'object' && value !== null ? cut(value as JsonSchema) : value;
  const text = JSON.stringify(small);
  if (text.length < 150) return small;
  const name = `s${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
  definitions.set(name, { schema: small, uses: (definitions.get(name)?.uses ?? 0) + 1 });
  return { $ref: `#/$defs/${name}` };
}

/** With those in it that stand there once. */
function unfold<T>(schema: T): T {
  const text = JSON.stringify(schema, (_, value) => {
    const name = typeof value?.$ref === 'string' ? value.$ref.split('/').at(-1) : '';
    const known = definitions.get(name);
    return known?.uses === 1 ? known.schema : value;
  });
  return JSON.parse(text);
}

const operations = asked.map((line) => {
  const [method = '', path = ''] = line.split(' ');
  const described = paths[path]?.[method.toLowerCase()];
  if (!described) throw new Error(`The description has no ${line}.`);
  return {
    id: described.operationId,
    method,
    path,
    scopes: described.security?.flatMap((each) => Object.values(each).flat()) ?? [],
    query: Object.fromEntries(
      (described.parameters ?? []).filter((each) => each.in === 'query').map(({ name, schema }) => [name, cut(schema)]),
    ),
    answer: cut(described.responses['200']?.content?.['application/json']?.schema ?? {}),
  };
});
const contract = {
  source: 'openapi-derefed.json of github.com/getsentry/sentry-api-schema',
  version: info.version,
  license: info.license.name,
  operations: operations.map((each) => ({
    ...each,
    ...unfold({ query: each.query, answer: each.answer }),
  })),
  $defs: Object.fromEntries(
    [...definitions].filter(([, { uses }]) => uses > 1).map(([name, { schema }]) => [name, unfold(schema)]),
  ),
};
writeFileSync(new URL('contract.json', import.meta.url), `${JSON.stringify(contract)}\n`);
