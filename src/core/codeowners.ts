/** One line of a CODEOWNERS file. */
interface Rule {
  pattern: RegExp;
  owners: string[];
}

export interface Owners {
  /** Logins of users, in lower case. */
  users: string[];
  /** "org/team", in lower case. */
  teams: string[];
}

/** Who owns any of these paths. Of the lines that fit a path the last one counts, also where it names nobody. E-mail addresses are left out. */
export function ownersOf(text: string, paths: readonly string[]): Owners {
  const rules = text.split(/\r?\n/).flatMap(readLine);
  const named = new Set<string>();
  for (const path of paths)
    for (const owner of rules.findLast(({ pattern }) => pattern.test(path))?.owners ?? [])
      named.add(owner.toLowerCase());
  const all = [...named].filter((owner) => owner.startsWith('@')).map((owner) => owner.slice(1));
  return { users: all.filter((each) => !each.includes('/')), teams: all.filter((each) => each.includes('/')) };
}

/** A pattern and who owns what it fits; "#" begins a comment. What GitHub skips (negation, character ranges) is skipped. */
function readLine(line: string): Rule[] {
  const words = line.match(/(?:\\.|[^\s\\])+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith('#'));
  const [pattern, ...owners] = comment === -1 ? words : words.slice(0, comment);
  if (pattern === undefined || pattern.startsWith('!') || pattern.includes('[')) return [];
  return [{ pattern: patternOf(pattern.replace(/\\(.)/g, '$1')), owners }];
}

/** As .gitignore has them, but that "docs/*" is of the files in it only. */
function patternOf(written: string): RegExp {
  const inside = written.replace(/^\//, '').replace(/\/$/, '');
  const isAnchored = written.startsWith('/') || inside.includes('/');
  const source = inside
    .split(/(\*\*\/|\/\*\*$|\*\*|\*|\?)/)
    .map((part) => {
      if (part === '**/') return '(?:[^/]+/)*';
      if (part === '/**') return '/.+';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    })
    .join('');
  const beneath = written.endsWith('/') ? '/.+' : /\/\*$/.test(written) ? '' : '(?:/.+)?';
  return new RegExp(`^${isAnchored ? '' : '(?:.+/)?'}${source}${beneath}$`);
}
