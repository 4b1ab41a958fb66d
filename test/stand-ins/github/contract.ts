import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fill, problemsOf, readText } from './check-schema.ts';
import { indexMembers, parseType, type Schema } from './derive-contract.ts';

/** One operation of the vendor's description. */
export interface Operation {
  id: string;
  method: string;
  /** "/repos/{owner}/{repo}/pulls" */
  path: string;
}

export interface Contract {
  /** The operation that a request is for, and what its path says; null: there is none. */
  find(method: string, pathname: string): { operation: Operation; path: Record<string, string> } | null;
  has(id: string): boolean;
  /** Of all operations, or webhooks such as "issues/opened". */
  ids(): string[];
  /** A part of an operation by its names, such as `requestBody.content.application/json`; null: it has none. */
  part(id: string, ...names: string[]): Schema | null;
  /** A schema of the description by its name. */
  schema(name: string): Schema;
  problems(schema: Schema, value: unknown, path: string): string[];
  fill(schema: Schema, value: unknown, pick?: boolean): unknown;
  readText(schema: Schema, text: string): unknown;
}

const read = new Map<string, Contract>();

/** GitHub's description of its REST interface, or of its webhooks, as the package of types has it. */
export function contractOf(packageName: 'openapi-types' | 'openapi-webhooks-types'): Contract {
  const contract = read.get(packageName) ?? deriveContract(packageName);
  read.set(packageName, contract);
  return contract;
}

function deriveContract(packageName: string): Contract {
  const directory = dirname(createRequire(import.meta.url).resolve(`@octokit/${packageName}/package.json`));
  const text = readFileSync(join(directory, 'types.d.ts'), 'utf8');
  const startOf = (line: string, from = 0) => {
    const found = text.indexOf(line, from);
    return found === -1 ? text.length : found;
  };
  const components = startOf('\nexport interface components {');
  const operationsAt = startOf('\nexport interface operations {');
  const operationIndex = indexMembers(text, operationsAt, text.length, 2);
  const sections = new Map<string, Map<string, number>>();
  const parsed = new Map<number, Schema>();

  function sectionOf(name: string): Map<string, number> {
    const known = sections.get(name);
    if (known) return known;
    const from = startOf(`\n  ${name}: {`, components);
    const made = indexMembers(text, from, startOf('\n  };', from), 4);
    sections.set(name, made);
    return made;
  }

  function parsedAt(at: number | undefined, what: string): Schema {
    if (at === undefined) throw new Error(`The vendor's description has no ${what}.`);
    const schema = parsed.get(at) ?? parseType(text, at);
    parsed.set(at, schema);
    return schema;
  }

  function resolve(schema: Schema): Schema {
    if (schema.kind !== 'ref') return schema;
    const [root, ...names] = schema.path;
    const [section, name, ...rest] = root === 'operations' ? ['operations', ...names] : names;
    const index = root === 'operations' ? operationIndex : sectionOf(section ?? '');
    let found = resolve(parsedAt(index.get(name ?? ''), schema.path.join('.')));
    for (const key of rest) found = inside(found, key) ?? { kind: 'never' };
    return found;
  }

  function inside(schema: Schema, key: string): Schema | null {
    const known = resolve(schema);
    const property = known.kind === 'object' ? known.properties.get(key) : undefined;
    return property ? resolve(property.schema) : null;
  }

  let routes: { operation: Operation; segments: string[] }[] | null = null;
  const routesOf = () => {
    routes ??= readRoutes(text.slice(startOf('\nexport interface paths {'), components));
    return routes;
  };

  return {
    find(method, pathname) {
      const asked = pathname.split('/').map(decode);
      let best: { operation: Operation; path: Record<string, string>; score: number } | null = null;
      for (const { operation, segments } of routesOf()) {
        if (operation.method !== method) continue;
        const fits = variablesOf(segments, asked);
        if (fits && (!best || fits.score > best.score)) best = { operation, ...fits };
      }
      return best;
    },
    has: (id) => operationIndex.has(id),
    ids: () => [...operationIndex.keys()],
    part(id, ...names) {
      let schema: Schema | null = parsedAt(operationIndex.get(id), id);
      for (const name of names) schema = schema && inside(schema, name);
      return schema;
    },
    schema: (name) => resolve({ kind: 'ref', path: ['components', 'schemas', name] }),
    problems: (schema, value, path) => problemsOf(schema, value, path, resolve),
    fill: (schema, value, pick) => fill(schema, value, resolve, pick),
    readText: (schema, value) => readText(schema, value, resolve),
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function readRoutes(paths: string): { operation: Operation; segments: string[] }[] {
  const routes: { operation: Operation; segments: string[] }[] = [];
  let path = '';
  for (const line of paths.matchAll(/^ {2}"([^"]+)": \{|^ {4}(\w+): operations\["([^"]+)"\];/gm)) {
    const [, opened, method, id] = line;
    if (opened !== undefined) path = opened;
    else
      routes.push({
        operation: { id: id ?? '', method: (method ?? '').toUpperCase(), path },
        segments: path.split('/'),
      });
  }
  return routes;
}

/** A path or ref at the end may have slashes of its own; what is written out goes before what a variable stands for. */
function variablesOf(segments: string[], asked: string[]): { path: Record<string, string>; score: number } | null {
  const last = segments.at(-1) ?? '';
  const isOpen = /^\{(path|ref)\}$/.test(last);
  if (isOpen ? asked.length < segments.length - (last === '{path}' ? 1 : 0) : asked.length !== segments.length)
    return null;
  const path: Record<string, string> = {};
  let score = 0;
  for (const [index, segment] of segments.entries()) {
    const variable = /^\{(\w+)\}$/.exec(segment)?.[1];
    const isLast = index === segments.length - 1;
    const given = isOpen && isLast ? asked.slice(index).join('/') : (asked[index] ?? '');
    if (variable === undefined && segment === given) score += 1;
    else if (variable !== undefined && (given !== '' || (isOpen && isLast))) path[variable] = given;
    else if (segment.includes('{') && segment.includes('...')) {
      const [left, right] = given.split('...');
      if (right === undefined) return null;
      const [one, two] = [...segment.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
      Object.assign(path, { [one ?? '']: left, [two ?? '']: right });
    } else return null;
  }
  return { path, score };
}
