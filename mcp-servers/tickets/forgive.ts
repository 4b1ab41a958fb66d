/** As much of JSON Schema as zod writes for what tools take. */
export interface SchemaNode {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  anyOf?: SchemaNode[];
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/**
 * What a model meant by `value`, where that is plain: what is empty is left out, one thing becomes a list of one, a text of
 * several lines a list, "12" a number, "src/a.ts:3-9" a place, a title of many lines a title and notes. All else is left as
 * it is, to be refused.
 */
export function forgive(value: unknown, schema: SchemaNode): unknown {
  const node = withoutNull(schema);
  if (value === null || (typeof value === 'string' && value.trim() === '')) return undefined;
  if (node.type === 'array')
    return asList(value, node.items ?? {}).flatMap((entry) => forgive(entry, node.items ?? {}) ?? []);
  if (node.type === 'object') return asObject(value, node);
  if (node.type === 'integer') return asInteger(value, node);
  if (node.type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  if (node.type === 'string') return asText(value, node);
  return value;
}

/** What may be null may be left out. */
export function withoutNull(schema: SchemaNode): SchemaNode & { type?: string } {
  const { type, ...node } = schema.anyOf?.find((choice) => choice.type !== 'null') ?? schema;
  const known = typeof type === 'string' ? type : type?.find((name) => name !== 'null');
  return known === undefined ? node : { ...node, type: known };
}

function asList(value: unknown, items: SchemaNode): unknown[] {
  const list = written(value);
  if (typeof list === 'string') return list.split(betweenThese(items));
  return Array.isArray(list) ? list : [list];
}

/** Between several things in one text: what is short is told apart by commas, too. */
function betweenThese({ type, maxLength = Number.POSITIVE_INFINITY, properties = {} }: SchemaNode): RegExp {
  if ('path' in properties) return /\n|,\s+/;
  return type !== 'string' ? /$^/ : maxLength <= 200 ? /[\n,]/ : /\n/;
}

function asObject(value: unknown, { properties = {} }: SchemaNode): unknown {
  const read = written(value);
  const given = typeof read === 'string' ? named(read, properties) : read;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const split = 'title' in properties && 'notes' in properties ? splitTitle(given, properties.title?.maxLength) : given;
  const fields = Object.entries(split).map(([name, field]) => {
    const node = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return [name, node === undefined ? undefined : forgive(field, node)];
  });
  return ordered(Object.fromEntries(fields.filter(([, field]) => field !== undefined)));
}

/** A text where an object is wanted: its most telling field. */
function named(text: string, properties: Record<string, SchemaNode>): unknown {
  if ('path' in properties) return placeNamed(text);
  return 'output' in properties ? { output: text } : 'title' in properties ? { title: text } : text;
}

/** `path`, `path:line`, `path:from-to`, `path#L3-L9` as in addresses, and `path:line:column` as compilers print it. */
export function placeNamed(text: string): { path: string; from?: string; to?: string } {
  const [, path, from, to] = /^(.+?)(?::|#L)(\d{1,7})(?:-L?(\d{1,7})|:\d+)?$/.exec(text.trim()) ?? [];
  return path === undefined || from === undefined ? { path: text } : { path, from, ...(to !== undefined && { to }) };
}

/** Of a title that is too long for one, the rest begins the notes: nothing of it is lost. */
function splitTitle(concern: { title?: unknown; notes?: unknown }, longest = Number.POSITIVE_INFINITY): object {
  if (typeof concern.title !== 'string') return concern;
  const [first = '', ...rest] = concern.title.trim().split('\n');
  const isLong = first.length > longest;
  // At the end of a word, where there is one near.
  const end = isLong ? Math.max(first.lastIndexOf(' ', longest - 3), longest - 60) : first.length;
  const title = isLong ? `${first.slice(0, end).toWellFormed()}...` : first;
  const left = [isLong ? `...${first.slice(end).toWellFormed()}` : '', ...rest].join('\n').trim();
  if (left === '') return { ...concern, title };
  const notes = forgive(concern.notes, { type: 'string' });
  return { ...concern, title, notes: notes === undefined ? left : `${left}\n\n${notes}` };
}

/** Lines of a place that are given from the end, or of which only the last is. */
function ordered<T extends { from?: unknown; to?: unknown }>(fields: T): T {
  const { from, to } = fields;
  if (typeof to !== 'number') return fields;
  if (from === undefined) return { ...fields, from: to };
  return typeof from === 'number' && from > to ? { ...fields, from: to, to: from } : fields;
}

function asInteger(
  value: unknown,
  { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY }: SchemaNode,
) {
  const number = typeof value === 'string' && /^\s*-?\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number') return number;
  return number < minimum ? undefined : Math.min(Math.trunc(number), maximum);
}

function asText(value: unknown, { enum: values, maxLength = Number.POSITIVE_INFINITY }: SchemaNode): unknown {
  const lines = Array.isArray(value) && value.every((line) => typeof line === 'string');
  const text = lines
    ? value.join('\n')
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : value;
  if (typeof text !== 'string') return text;
  if (values) return text.trim().toLowerCase();
  if (text.length <= maxLength) return text;
  const half = Math.floor((maxLength - 60) / 2);
  const cut = text.length - 2 * half;
  const [head, tail] = [text.slice(0, half).toWellFormed(), text.slice(-half).toWellFormed()];
  return `${head}\n[... ${cut} characters left out ...]\n${tail}`;
}

/** JSON that was put into a text. */
function written(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
