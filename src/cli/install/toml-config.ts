import { parse, stringify } from 'smol-toml';
import { compareMarked, markHere, stamp } from '../../../mcp-servers/tickets/commands/mark.ts';
import { type Entry, isEntry, isOurs, urlOf } from '../../../mcp-servers/tickets/commands/server-entry.ts';
import type { Standing } from './standing.ts';

export interface TomlPlace {
  section: string;
  name: string;
  version: string;
}

const block = /^# >>> shipmate [^\n]*\n[\s\S]*?^# <<< shipmate[^\r\n]*/m;

/** Our entry in a client's TOML, as a block between two lines of ours; nothing outside of it is touched. */
export function planTomlConfig(
  found: string | null,
  { section, name, version }: TomlPlace,
  entryFor: (there: Entry | null) => Entry,
): Standing {
  const text = found ?? '';
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const before = read(text);
  if (typeof before === 'string') return { is: 'broken', text: null, why: `is not valid TOML: ${before}` };
  const there = serverIn(before, section, name);
  const entry = entryFor(there);
  const head = `# >>> ${markHere}: \`shipmate install-commands\` writes this anew`;
  const lines = `${head}\n[${section}.${name}]\n${stringify(entry).trimEnd()}\n# <<< shipmate`;
  const wanted = stamp(lines, version).replaceAll('\n', eol);

  const [mine] = block.exec(text) ?? [];
  const isReached = there !== null && ('command' in there || 'url' in there);
  if (mine === undefined && isReached) {
    const isElsewhere = 'url' in entry && urlOf(there) !== entry.url;
    if (isOurs(there) && !isElsewhere) return { is: 'current', text: found };
    const why = `has another server "${name}"${isOurs(there) ? ', of another address' : ''}: rename or remove it`;
    return { is: 'theirs', text: null, why };
  }
  const is = mine === undefined ? 'missing' : compareMarked(mine, wanted);
  if (is === 'current') return { is, text: found };
  const put =
    mine === undefined
      ? `${text.trimEnd()}${text.trim() === '' ? '' : eol + eol}${wanted}${eol}`
      : text.replace(mine, () => wanted);
  const after = read(put);
  const whole = typeof after === 'string' ? null : serverIn(after, section, name);
  if (whole === null || !Object.keys(entry).every((key) => key in whole)) {
    const why = `cannot take [${section}.${name}]: ${typeof after === 'string' ? after : 'it would be read otherwise'}`;
    return { is: 'broken', text: null, why };
  }
  return { is, text: put };
}

/** What it says, or what is wrong with it. */
function read(text: string): Entry | string {
  try {
    return parse(text);
  } catch (error) {
    return (error as Error).message.split('\n')[0] ?? '';
  }
}

function serverIn(config: Entry, section: string, name: string): Entry | null {
  const servers = config[section];
  const there = isEntry(servers) ? servers[name] : null;
  return isEntry(there) ? there : null;
}
