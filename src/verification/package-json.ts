interface Json {
  scripts?: unknown;
  [key: string]: unknown;
}

/** Keys of package.json that configure a runner. */
const runnerKeys = ['jest', 'vitest', 'mocha', 'ava', 'tap', 'nyc', 'c8', 'wireit', 'nx'];

export function scriptsOf(text: string | null): Record<string, string> {
  const scripts = parse(text)?.scripts;
  return isObject(scripts) ? (scripts as Record<string, string>) : {};
}

/**
 * The package.json of the change with the base's runner configuration and the base's version of the named scripts (and their
 * pre and post scripts). All else is the change's: new dependencies and new scripts work. `texts` are the changed values.
 * Null when nothing of it differs, or when one of them is no JSON.
 */
export function mergePackageJson(
  base: string,
  head: string,
  scripts: Set<string>,
): { content: string; keys: string[]; texts: string[] } | null {
  const before = parse(base);
  const after = parse(head);
  if (!before || !after) return null;
  const keys: string[] = [];
  const texts: string[] = [];
  const restore = (from: Json, to: Json, key: string, label: string) => {
    if (JSON.stringify(from[key]) === JSON.stringify(to[key])) return;
    keys.push(label);
    if (typeof to[key] === 'string') texts.push(to[key]);
    if (from[key] === undefined) delete to[key];
    else to[key] = from[key];
  };
  for (const key of runnerKeys) restore(before, after, key, key);
  const mine = isObject(before.scripts) ? before.scripts : {};
  const theirs = isObject(after.scripts) ? after.scripts : {};
  for (const name of scripts)
    for (const script of [name, `pre${name}`, `post${name}`]) restore(mine, theirs, script, `scripts.${script}`);
  if (!keys.length) return null;
  after.scripts = theirs;
  return { content: `${JSON.stringify(after, null, 2)}\n`, keys, texts };
}

/** Keys of package.json that say what is installed. */
const installKeys = [
  ...['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'bundledDependencies'],
  ...['bundleDependencies', 'overrides', 'resolutions', 'pnpm', 'packageManager', 'workspaces'],
];

/** Whether two versions of a package.json, null where there is none, name the same packages; not when one is no JSON. */
export function installsTheSame(base: string | null, head: string | null): boolean {
  const [before, after] = [base, head].map((text) => (text === null ? {} : parse(text)));
  if (!before || !after) return false;
  return installKeys.every((key) => JSON.stringify(before[key] ?? {}) === JSON.stringify(after[key] ?? {}));
}

function parse(text: string | null): Json | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
