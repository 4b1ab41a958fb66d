import { createHash } from 'node:crypto';
import { cleanText } from '../core/outside-text.ts';
import type { JsonSchema } from '../core/tool.ts';
import type { ListedTool, PinnedTools } from '../core/tool-server.ts';

const mostCharacters = 1_000_000;

/**
 * What a server lists, as it is pinned: its texts cleaned and without what it must not give back, of two tools of one name the
 * first. In what order it lists them is no part of the hash. Throws where it is too much to keep.
 */
export function pinOf(version: string, listed: readonly ListedTool[], hide: (text: string) => string): PinnedTools {
  const cleaned = canonical(listed, (text) => hide(cleanText(text))) as ListedTool[];
  const tools = [...new Map(cleaned.toReversed().map((tool) => [tool.name, tool])).values()].toReversed();
  const text = JSON.stringify(tools.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  if (text.length > mostCharacters) throw new Error('its list of tools is longer than a million characters');
  // It stands in texts of ours, so it is a word.
  return {
    version: hide(version)
      .replace(/[^\w.+-]+/g, '_')
      .slice(0, 40),
    hash: sha256(text),
    tools,
  };
}

/** Without the dialect and the ban on other arguments: they cost tokens in every request, and the server checks them itself. */
export function schemaOf({ $schema: _, additionalProperties, ...schema }: JsonSchema): JsonSchema {
  const kept = additionalProperties === false ? schema : { ...schema, additionalProperties };
  return canonical(kept, cleanText) as JsonSchema;
}

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
function canonical(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((each) => canonical(each, clean));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [clean(key), canonical(member, clean)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
