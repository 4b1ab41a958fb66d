import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CloudClient, createCloudClient } from 'jira.js';
import { AttachmentSchema } from 'jira.js/cloud';
import { z } from 'zod';

/** The operations of jira.js by their names there, such as "issues.getIssue". */
export type Operations = {
  [Group in keyof CloudClient & string as `${Group}.${keyof CloudClient[Group] & string}`]: CloudClient[Group];
};
type Function_<Id extends string> = Id extends `${infer Group}.${infer Name}`
  ? Group extends keyof CloudClient
    ? Name extends keyof CloudClient[Group]
      ? CloudClient[Group][Name]
      : never
    : never
  : never;
/** What a client is given for an operation: path, query and body in one. */
export type Given<Id extends string> =
  Function_<Id> extends (...given: infer All) => unknown
    ? All extends []
      ? Record<never, never>
      : NonNullable<All[0]>
    : never;

export interface Operation {
  /** "issues.getIssue" */
  id: string;
  method: string;
  segments: string[];
  /** Their names in the request, and those of the parameters. */
  query: Map<string, string>;
  /** Of a body whose members are parameters. */
  body: Map<string, string>;
  /** The parameter that is the whole body. */
  whole: string | null;
  isForm: boolean;
  answer: z.ZodType | null;
}

/** Stands for a parameter, so that it is seen where it goes. */
class Marker {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return `{${this.name}}`;
  }
}

interface Sent {
  url: string;
  method?: string;
  searchParams?: Record<string, unknown>;
  body?: unknown;
  schema?: z.ZodType;
}

/** What the package sends is its description: each of its functions is called with markers, and no request leaves. */
function record(): Map<string, Operation> {
  let sent: Sent | null = null;
  const client = createCloudClient({
    sendRequest(config: unknown): Promise<never> {
      sent ??= config as Sent;
      return new Promise<never>(() => {});
    },
  } as never) as unknown as Record<string, Record<string, (given: unknown) => unknown>>;
  const given = new Proxy({}, { get: (_, name) => new Marker(String(name)) });
  const found = new Map<string, Operation>();
  for (const [group, functions] of Object.entries(client))
    for (const [name, call] of Object.entries(functions)) {
      if (typeof call !== 'function') continue;
      sent = null;
      void Promise.resolve(call(given)).catch(() => {});
      if (sent !== null) found.set(`${group}.${name}`, readSent(`${group}.${name}`, sent));
    }
  const upload = {
    url: '/rest/api/3/issue/{issueIdOrKey}/attachments',
    method: 'POST',
    schema: z.array(AttachmentSchema),
  };
  // It reads the files before it sends them, so there was nothing to see.
  const id = 'issueAttachments.addAttachment';
  found.set(id, { ...readSent(id, upload), isForm: true });
  return found;
}

function readSent(id: string, { url, method = 'GET', searchParams = {}, body, schema }: Sent): Operation {
  const named = (part: object) =>
    new Map(Object.entries(part).flatMap(([name, value]) => (value instanceof Marker ? [[name, value.name]] : [])));
  return {
    id,
    method,
    segments: url.split('/'),
    query: named(searchParams),
    body: body instanceof Marker || typeof body !== 'object' || body === null ? new Map() : named(body),
    whole: body instanceof Marker ? body.name : null,
    isForm: false,
    answer: schema ?? null,
  };
}

const operations = record();
/** They are in the package, and not among its exports. */
const parameterSchemas: Record<string, z.ZodType> = await import(
  pathToFileURL(
    join(dirname(createRequire(import.meta.url).resolve('jira.js/package.json')), 'dist/cloud/parameters/index.js'),
  ).href
);

/** What the vendor's documentation takes and the package's schema does not: an issue is unassigned by null. */
const alsoTaken: Record<string, Record<string, z.ZodType>> = {
  'issues.assignIssue': { accountId: z.string().max(128).nullable() },
};

export function hasOperation(id: string): boolean {
  return operations.has(id);
}

/** A path need not be well encoded: jira.js puts into it what it is given. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function findOperation(
  method: string,
  pathname: string,
): { operation: Operation; path: Record<string, string> } | null {
  const asked = pathname.split('/');
  let best: { operation: Operation; path: Record<string, string>; variables: number } | null = null;
  for (const operation of operations.values()) {
    if (operation.method !== method || operation.segments.length !== asked.length) continue;
    const path: Record<string, string> = {};
    const fits = operation.segments.every((segment, index) => {
      const variable = /^\{(\w+)\}$/.exec(segment)?.[1];
      if (variable === undefined) return segment === asked[index];
      path[variable] = decode(asked[index] ?? '');
      return path[variable] !== '';
    });
    const variables = Object.keys(path).length;
    if (fits && (best === null || variables < best.variables)) best = { operation, path, variables };
  }
  return best;
}

/** The parameters that a client was given to send this, and what is wrong with them by the package's own schema. */
export function readGiven(
  operation: Operation,
  path: Record<string, string>,
  search: URLSearchParams,
  body: unknown,
): { given: Record<string, unknown>; problems: string[] } {
  const name = operation.id.split('.')[1] ?? '';
  const described = parameterSchemas[`${name[0]?.toUpperCase()}${name.slice(1)}Schema`];
  const also = alsoTaken[operation.id];
  const schema = also && described instanceof z.ZodObject ? described.extend(also) : described;
  const shape: Record<string, z.ZodType> = schema instanceof z.ZodObject ? (schema.shape as never) : {};
  const problems: string[] = [];
  const given: Record<string, unknown> = { ...path };
  for (const key of new Set(search.keys())) {
    const parameter = operation.query.get(key);
    if (parameter === undefined) problems.push(`query.${key} is unknown`);
    else given[parameter] = readText(shape[parameter], search.getAll(key));
  }
  if (operation.whole !== null) given[operation.whole] = body;
  else if (operation.body.size > 0) {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) problems.push('the body is no object');
    else
      for (const [key, value] of Object.entries(body)) {
        const parameter = operation.body.get(key);
        if (parameter === undefined) problems.push(`body.${key} is unknown`);
        else given[parameter] = value;
      }
  } else if (body !== undefined && !operation.isForm) problems.push('there is a body, and none is taken');
  if (schema) problems.push(...problemsOf(schema, given));
  return { given, problems };
}

/** A query is text; which value it stands for is what its schema takes. */
function readText(schema: z.ZodType | undefined, texts: string[]): unknown {
  const [text = ''] = texts;
  const list = texts.flatMap((each) => each.split(','));
  const candidates: unknown[] = texts.length > 1 ? [list] : [text];
  if (text === 'true' || text === 'false') candidates.push(text === 'true');
  if (/^-?\d+$/.test(text)) candidates.push(Number(text));
  candidates.push(list, list.map(Number));
  return candidates.find((candidate) => schema?.safeParse(candidate).success) ?? text;
}

export function problemsOf(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => `${path.map(String).join('.') || 'it'}: ${message}`);
}
