import { createHash } from 'node:crypto';
import { cleanLine, cleanText } from '../core/outside-text.ts';
import type { JsonSchema } from '../core/tool.ts';
import type { ListedTool, PinnedTools } from '../core/tool-server.ts';

const mostCharacters = 1_000_000;

/**
 * What a server lists, as it is pinned: its texts cleaned, of two tools of one name the first. In what order it lists them is
 * no part of the hash. Throws where it is too much to keep.
 */
export function pinOf(version: string, listed: readonly ListedTool[]): PinnedTools {
  const cleaned = canonical(listed) as ListedTool[];
  const tools = [...new Map(cleaned.toReversed().map((tool) => [tool.name, tool])).values()].toReversed();
  const text = JSON.stringify(tools.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  if (text.length > mostCharacters) throw new Error('its list of tools is longer than a million characters');
  return { version: cleanText(version).slice(0, 100).toWellFormed(), hash: sha256(text), tools };
}

/** Without the dialect and the ban on other arguments: they cost tokens in every request, and the server checks them itself. */
export function schemaOf({ $schema: _, additionalProperties, ...schema }: JsonSchema): JsonSchema {
  return canonical(additionalProperties === false ? schema : { ...schema, additionalProperties }) as JsonSchema;
}

/** What is said in a schema beside its structure is not marked as from outside, so there is not much of it. */
export function withLittleTalk(schema: JsonSchema): JsonSchema {
  const pass = (value: unknown, isNamed = false): unknown => {
    if (Array.isArray(value)) return value.map((each) => pass(each));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).flatMap(([key, member]): [string, unknown][] => {
      // Below `properties` these are names of arguments.
      if (isNamed) return [[key, pass(member)]];
      if (talk.has(key)) return [];
      if (key === 'description' && typeof member === 'string') return [[key, cleanLine(member, mostTalk)]];
      return [[key, pass(member, key === 'properties' || key === '$defs')]];
    });
    return Object.fromEntries(entries);
  };
  return pass(schema) as JsonSchema;
}

const mostTalk = 200;
const talk = new Set(['title', 'examples', '$comment']);

/** `<server>_<tool>` in the letters and length that every model vendor takes; a name that is taken gets a mark of its own. */
export function shownName(server: string, tool: string, taken: Set<string>): string {
  const plain = `${server}_${tool}`.replace(/[^a-zA-Z0-9_-]/g, '_');
  const marked = `${plain.slice(0, 55)}_${sha256(`${server} ${tool}`).slice(0, 8)}`;
  const name = plain.length > 64 || taken.has(plain) ? marked : plain;
  taken.add(name);
  return name;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Keys in one order, because a database keeps none and every request must begin with the same bytes; texts cleaned. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [cleanText(key), canonical(member)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
