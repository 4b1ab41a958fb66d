import { isDeepStrictEqual } from 'node:util';
import { applyEdits, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { type Entry, isOurs, withTheirs } from '../../../mcp-servers/tickets/commands/server-entry.ts';
import type { Standing } from './standing.ts';

export interface JsonPlace {
  /** The member that holds servers by name. */
  section: string;
  name: string;
  /** What a file that is not there yet begins with. */
  start: Entry;
}

/** Our entry in a client's JSON or JSONC: everything else of it stays as it is, comments and order included. */
export function planJsonConfig(
  found: string | null,
  { section, name, start }: JsonPlace,
  entryFor: (there: Entry | null) => Entry,
): Standing {
  if (found === null || found.trim() === '') {
    const text = `${JSON.stringify({ ...start, [section]: { [name]: entryFor(null) } }, null, 2)}\n`;
    return { is: 'missing', text };
  }
  const mark = found.startsWith('\uFEFF') ? '\uFEFF' : '';
  const json = found.slice(mark.length);
  const errors: ParseError[] = [];
  const value: unknown = parse(json, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error)
    return broken(`is not valid JSON: ${printParseErrorCode(error.error)} in line ${lineAt(json, error.offset)}`);
  if (!isEntry(value)) return broken('is not a JSON object');
  const servers = value[section] ?? {};
  if (!isEntry(servers)) return broken(`holds a "${section}" that is not an object`);

  const there = servers[name] ?? null;
  const known = isEntry(there) && isOurs(there) ? there : null;
  const wanted = known === null ? entryFor(null) : withTheirs(known, entryFor(known));
  if (isDeepStrictEqual(known, wanted)) return { is: 'current', text: found };
  const edits = modify(json, [section, name], wanted, { formattingOptions: formatOf(json) });
  const text = mark + applyEdits(json, edits);
  if (there === null) return { is: 'missing', text };
  return known === null ? { is: 'theirs', text, why: `has another server "${name}"` } : { is: 'old', text };
}

const broken = (why: string): Standing => ({ is: 'broken', text: null, why });

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** As the file is written. */
function formatOf(text: string) {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  return { insertSpaces: !indent.includes('\t'), tabSize: indent.length, eol: text.includes('\r\n') ? '\r\n' : '\n' };
}
