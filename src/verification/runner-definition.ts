import { mergePackageJson, scriptsOf } from './package-json.ts';
import { isOfTests, roleOf } from './roles.ts';
import { mergeSections } from './sections.ts';
import { type Change, filesOf, type Overlay, type Trees } from './trees.ts';

/** What must be put over the change so that tests are run as the base defines it. Both empty: the change leaves that alone. */
export interface RunnerDefinition {
  overlay: Overlay[];
  files: { path: string; content: string }[];
  /** What was edited, for people: "package.json (scripts.test)". */
  edits: string[];
  /** The lines that the change's own definition adds, to be read for tricks. */
  added: { path: string; text: string }[];
}

const sectionsOfRunners: [RegExp, RegExp][] = [
  [/(^|\/)pyproject\.toml$/, /^tool\.(pytest|tox|coverage|nox|poe|taskipy|hatch\.envs|pdm\.scripts)\b/],
  [/(^|\/)setup\.cfg$/, /^(tool:pytest|aliases|nosetests|coverage:.*|tox.*)$/],
  [/(^|\/)Cargo\.toml$/, /^(test|bench|lib|profile\.test|alias)$/],
];

/** Finds how the base runs its tests, following the commands through package scripts, make files and shell wrappers. */
export async function readRunnerDefinition(
  trees: Pick<Trees, 'changes' | 'read'>,
  commands: string[],
): Promise<RunnerDefinition> {
  const definition: RunnerDefinition = { overlay: [], files: [], edits: [], added: [] };
  const words = await wordsOf(trees, commands);
  for (const { path, onBase, onHead } of trees.changes.flatMap(filesOf)) {
    const isManifest = /(^|\/)package\.json$/.test(path);
    const sections = sectionsOfRunners.find(([file]) => file.test(path))?.[1];
    if (!isManifest && !sections && !mayBeRunner(path) && !isWrapper(path, words)) continue;
    const base = onBase ? await trees.read('base', path) : null;
    const head = onHead ? await trees.read('head', path) : null;
    if (isManifest && onHead) {
      // A new package is not what the base's commands are made of.
      const merged = base !== null && head !== null ? mergePackageJson(base, head, scriptsIn(base, words)) : null;
      if (!merged) continue;
      definition.files.push({ path, content: merged.content });
      definition.edits.push(`${path} (${merged.keys.join(', ')})`);
      definition.added.push(...merged.texts.map((text) => ({ path, text })));
    } else if (sections && head !== null) {
      const merged = mergeSections(base, head, (section) => sections.test(section));
      if (merged === null) continue;
      definition.files.push({ path, content: merged });
      definition.edits.push(path);
    } else if (!isVite(path) || /\btest\s*:|vitest/.test(`${base}\n${head}`)) {
      definition.overlay.push({ path, from: onBase ? 'base' : 'absent' });
      definition.edits.push(path);
      const known = new Set((base ?? '').split('\n'));
      const added = (head ?? '').split('\n').filter((line) => !known.has(line));
      definition.added.push(...added.map((text) => ({ path, text })));
    }
  }
  return definition;
}

function mayBeRunner(path: string): boolean {
  return roleOf(path) === 'runner' || isVite(path);
}

/** Vite's configuration is the product's, unless it says something of tests. */
function isVite(path: string): boolean {
  return /(^|\/)vite\.config\.[^/]+$/.test(path);
}

/** A script that the commands name, by its path or from a package further down, and that is not the product itself. */
function isWrapper(path: string, words: Set<string>): boolean {
  if (isOfTests(path)) return false;
  const script =
    /(^|\/)[^./]+$|\.(sh|bash|zsh|mk)$|(^|\/)(scripts?|bin|tools?|ci|\.ci|build|dev|hack)\/|(test|check|verify|run|ci)[^/]*$/i;
  if (!script.test(path)) return false;
  const parts = path.split('/');
  return parts.some((_, at) => words.has(parts.slice(at).join('/')));
}

/** Every word of the commands and of all that they call, as far as it can be followed on the base. */
async function wordsOf(trees: Pick<Trees, 'changes' | 'read'>, commands: string[]): Promise<Set<string>> {
  const words = new Set<string>();
  const queue: string[] = [];
  const add = (text: string) => {
    for (const raw of text.split(/[\s"'`;&|()<>=$@]+/)) {
      const word = raw.replace(/^\.\//, '');
      if (!word || words.has(word)) continue;
      words.add(word);
      queue.push(word);
    }
  };
  for (const command of commands) add(command);
  if (words.has('t') || words.has('tst')) add('test');
  const manifests = ['package.json', ...changedManifests(trees.changes)];
  const scripts = (await Promise.all(manifests.map((path) => trees.read('base', path)))).map(scriptsOf);
  if (words.has('make'))
    for (const name of ['Makefile', 'makefile', 'GNUmakefile']) add((await trees.read('base', name)) ?? '');
  for (let reads = 0, word = queue.shift(); word !== undefined; word = queue.shift()) {
    for (const own of scripts)
      for (const [name, text] of Object.entries(own))
        if (typeof text === 'string' && matches(word, name)) {
          words.add(name);
          add([text, own[`pre${name}`], own[`post${name}`]].join(' '));
        }
    // Of a program in another language its words would be names of the product's files.
    if (reads < 50 && (/\.(sh|bash|zsh)$/.test(word) || (/^[\w.-]+\/[\w./-]+$/.test(word) && !/\.\w+$/.test(word)))) {
      reads++;
      add((await trees.read('base', word)) ?? '');
    }
  }
  return words;
}

function changedManifests(changes: Change[]): string[] {
  return changes.map((change) => change.oldPath ?? change.path).filter((path) => path.endsWith('/package.json'));
}

/** "test:*", as npm-run-all and pnpm have it, stands for each script that begins so. */
function matches(word: string, name: string): boolean {
  return word === name || (word.endsWith('*') && word.length > 1 && name.startsWith(word.slice(0, -1)));
}

function scriptsIn(base: string | null, words: Set<string>): Set<string> {
  return new Set(Object.keys(scriptsOf(base)).filter((name) => words.has(name)));
}
