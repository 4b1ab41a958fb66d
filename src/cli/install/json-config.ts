import { isDeepStrictEqual } from 'node:util';
import { findNodeAtLocation, type Node, type ParseError, parse, parseTree, printParseErrorCode } from 'jsonc-parser';
import { type Entry, isEntry, isOurs, withTheirs } from '../../../mcp-servers/tickets/commands/server-entry.ts';
import type { Standing } from './standing.ts';

export interface JsonPlace {
  /** The member that holds servers by name. */
  section: string;
  name: string;
  /** What a file that is not there yet begins with. */
  start: Entry;
}

/** Our entry in a client's JSON or JSONC: everything else of it stays as it is, comments, order and layout included. */
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
  const [value, mistake] = read(json);
  if (mistake !== null) return broken(`is not valid JSON: ${mistake}`);
  if (!isEntry(value)) return broken('is not a JSON object');
  const servers = value[section] ?? {};
  if (!isEntry(servers)) return broken(`holds a "${section}" that is not an object`);

  const there = servers[name] ?? null;
  const known = isEntry(there) && isOurs(there) ? there : null;
  const wanted = known === null ? entryFor(null) : withTheirs(known, entryFor(known));
  if (isDeepStrictEqual(known, wanted)) return { is: 'current', text: found };
  const text = put(json, section, name, wanted);
  const [after] = read(text);
  if (!isDeepStrictEqual(after, { ...value, [section]: { ...servers, [name]: wanted } }))
    return broken(`cannot be edited safely: add "${name}" to "${section}" by hand`);
  if (there === null) return { is: 'missing', text: mark + text };
  if (known !== null) return { is: 'old', text: mark + text };
  return { is: 'theirs', text: mark + text, why: `has another server "${name}"` };
}

const broken = (why: string): Standing => ({ is: 'broken', text: null, why });

/** Its value, and what is wrong with it. */
function read(json: string): [value: unknown, mistake: string | null] {
  const errors: ParseError[] = [];
  const value: unknown = parse(json, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (!error) return [value, null];
  return [value, `${printParseErrorCode(error.error)} in line ${json.slice(0, error.offset).split('\n').length}`];
}

/** `jsonc-parser` would lay out the lines around its edit anew; people's lines are theirs. */
function put(json: string, section: string, name: string, entry: Entry): string {
  const tree = parseTree(json, [], { allowTrailingComma: true }) as Node;
  const unit = /^([ \t]+)\S/m.exec(json)?.[1] ?? '  ';
  const eol = json.includes('\r\n') ? '\r\n' : '\n';
  const written = (value: unknown, depth: number) =>
    JSON.stringify(value, null, unit).replaceAll('\n', eol + unit.repeat(depth));

  const there = findNodeAtLocation(tree, [section, name]);
  if (there) return replaced(json, there.offset, there.offset + there.length, written(entry, 2));
  const servers = findNodeAtLocation(tree, [section]);
  const [into, depth, key, value] = servers ? [servers, 2, name, entry] : [tree, 1, section, { [name]: entry }];
  const member = `${eol}${unit.repeat(depth)}${JSON.stringify(key)}: ${written(value, depth)}`;
  const last = into.children?.at(-1);
  if (!last) return replaced(json, into.offset + 1, into.offset + 1, `${member}${eol}${unit.repeat(depth - 1)}`);

  // Behind what is said of the last one in its line.
  const end = last.offset + last.length;
  const note = String.raw`(?:\/\*[^\n]*?\*\/|\/\/[^\r\n]*)?`;
  const [rest = '', comma] = new RegExp(String.raw`^[ \t]*${note}[ \t]*(,)?[ \t]*${note}`).exec(json.slice(end)) ?? [];
  const tail = rest.trimEnd();
  const closes = json[end + rest.length] === '}' ? `${eol}${unit.repeat(depth - 1)}` : '';
  const after = `${comma ? '' : ','}${tail}${member}${closes}`;
  return replaced(json, end, end + rest.length, after);
}

function replaced(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}
