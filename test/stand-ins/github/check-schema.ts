import type { Property, Schema } from './derive-contract.ts';

type ObjectSchema = Extract<Schema, { kind: 'object' }>;
export type Resolve = (ref: Schema) => Schema;

/** What is wrong with a value, each with its place; what the declarations do not name is wrong, too. */
export function problemsOf(schema: Schema, value: unknown, path: string, resolve: Resolve): string[] {
  const known = resolve(schema);
  const wrong = (what: string) => [`${path} is ${brief(value)}, not ${what}`];
  switch (known.kind) {
    case 'unknown':
      return [];
    case 'never':
      return wrong('to be there');
    case 'literal':
      return value === known.value ? [] : wrong(JSON.stringify(known.value));
    case 'null':
      return value === null ? [] : wrong('null');
    case 'array':
    case 'tuple': {
      if (!Array.isArray(value)) return wrong('a list');
      const itemOf = (index: number) => (known.kind === 'array' ? known.item : known.items[index]);
      return value.flatMap((item, index) => {
        const itemSchema = itemOf(index);
        return itemSchema
          ? problemsOf(itemSchema, item, `${path}[${index}]`, resolve)
          : [`${path}[${index}] is too many`];
      });
    }
    case 'union': {
      const tried = known.of.map((member) => problemsOf(member, value, path, resolve));
      if (tried.some((problems) => problems.length === 0)) return [];
      const literals = known.of.every((member) => resolve(member).kind === 'literal');
      if (literals)
        return wrong(`one of ${known.of.map((member) => (member as { value?: unknown }).value).join(', ')}`);
      return tried.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0] ?? [];
    }
    case 'intersection':
      return problemsOf(alternatives(known, resolve), value, path, resolve);
    case 'object':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('an object');
      return objectProblems(known, value as Record<string, unknown>, path, resolve);
    case 'ref':
      throw new Error(`unreachable: ${known.path.join('.')} is not resolved`);
    default:
      return typeof value === known.kind ? [] : wrong(`a ${known.kind}`);
  }
}

function objectProblems(
  { properties, index }: ObjectSchema,
  value: Record<string, unknown>,
  path: string,
  resolve: Resolve,
): string[] {
  const problems: string[] = [];
  for (const [name, { schema, isOptional }] of properties) {
    const inner = value[name];
    if (inner !== undefined) problems.push(...problemsOf(schema, inner, `${path}.${name}`, resolve));
    else if (!isOptional && !mayMiss(schema, resolve)) problems.push(`${path}.${name} is missing`);
  }
  for (const name of Object.keys(value)) {
    if (properties.has(name) || value[name] === undefined) continue;
    if (index) problems.push(...problemsOf(index, value[name], `${path}.${name}`, resolve));
    else problems.push(`${path}.${name} is unknown`);
  }
  return problems;
}

/** `undefined` and `never` are said of what is left out. */
function mayMiss(schema: Schema, resolve: Resolve): boolean {
  const known = resolve(schema);
  if (known.kind === 'union') return known.of.some((member) => mayMiss(member, resolve));
  return known.kind === 'undefined' || known.kind === 'never' || known.kind === 'unknown';
}

/** What went wrong furthest inside is of the member that was meant. */
function depth(problems: string[]): number {
  return Math.max(...problems.map((problem) => problem.split(' ')[0]?.split(/[.[]/).length ?? 0));
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** All that an intersection may be: a union of what its parts are together. */
function alternatives(schema: Extract<Schema, { kind: 'intersection' }>, resolve: Resolve): Schema {
  let whole: Schema[] = [{ kind: 'unknown' }];
  for (const part of schema.of) {
    const known = resolve(part);
    const members = known.kind === 'union' ? known.of : [known];
    whole = whole.flatMap((left) => members.map((right) => both(left, resolve(right), resolve)));
  }
  return { kind: 'union', of: whole };
}

function both(left: Schema, right: Schema, resolve: Resolve): Schema {
  if (left.kind === 'unknown') return right;
  if (right.kind === 'unknown') return left;
  if (right.kind === 'intersection') return both(left, alternatives(right, resolve), resolve);
  if (right.kind === 'union')
    return { kind: 'union', of: right.of.map((member) => both(left, resolve(member), resolve)) };
  if (left.kind !== 'object' || right.kind !== 'object') return left;
  const properties = new Map<string, Property>(left.properties);
  for (const [name, property] of right.properties) {
    const mine = properties.get(name);
    properties.set(
      name,
      mine
        ? {
            schema: { kind: 'intersection', of: [mine.schema, property.schema] },
            isOptional: mine.isOptional && property.isOptional,
          }
        : property,
    );
  }
  return { kind: 'object', properties, index: left.index && right.index };
}

/**
 * `value` with what the schema requires beyond it, as plainly as that may be: null where it may be, else nothing, zero, false.
 * `pick`: what the schema does not name is left out.
 */
export function fill(schema: Schema, value: unknown, resolve: Resolve, pick = false, name = ''): unknown {
  const known = resolve(schema);
  if (known.kind === 'intersection') return fill(alternatives(known, resolve), value, resolve, pick, name);
  if (known.kind === 'union') {
    if (value === undefined && known.of.some((member) => resolve(member).kind === 'null')) return null;
    let last: unknown = value;
    for (const member of known.of) {
      last = fill(member, value, resolve, pick, name);
      if (problemsOf(member, last, '', resolve).length === 0) return last;
    }
    return last;
  }
  if (known.kind === 'array') {
    if (value === undefined) return [];
    return Array.isArray(value) ? value.map((item) => fill(known.item, item, resolve, pick, name)) : value;
  }
  if (known.kind === 'object') {
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) return value;
    const given = (value ?? {}) as Record<string, unknown>;
    const whole: Record<string, unknown> = pick && !known.index ? {} : { ...given };
    for (const [key, { schema: inner, isOptional }] of known.properties) {
      if (given[key] === undefined && (isOptional || mayMiss(inner, resolve))) continue;
      whole[key] = fill(inner, given[key], resolve, pick, key);
    }
    return whole;
  }
  if (value !== undefined) return value;
  if (known.kind === 'literal') return known.value;
  if (known.kind === 'string') return /(^|_)url$/.test(name) ? `https://github.invalid/${name}` : '';
  return { number: 0, boolean: false, null: null }[known.kind as string];
}

/** What a piece of a URL says, by the type that it stands for. */
export function readText(schema: Schema, text: string, resolve: Resolve): unknown {
  const known = resolve(schema);
  if (known.kind === 'union') {
    const read = known.of.map((member) => readText(member, text, resolve));
    return read.find((value, index) => problemsOf(known.of[index] as Schema, value, '', resolve).length === 0) ?? text;
  }
  if (known.kind === 'array') return text.split(',').map((item) => readText(known.item, item, resolve));
  if (known.kind === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (known.kind === 'literal' && String(known.value) === text) return known.value;
  if (known.kind === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}
