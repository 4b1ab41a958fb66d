import { detectNode } from './detect-node.ts';
import { detectPython } from './detect-python.ts';

/** A tree to look at: the paths of its files, and how to read one. */
export interface ReadableTree {
  paths: ReadonlySet<string>;
  /** null: no such file, or one too large to look at. */
  read(path: string): Promise<string | null>;
}

/** How to work with one part of a repository, as its files tell. Commands run in the repository's top directory. */
export interface Detected {
  packageManager: string;
  setup: string[];
  /** The tests alone; null when none were found. */
  test: string | null;
  /** Type checkers and linters. */
  typecheck: string | null;
  lint: string | null;
  /** A quicker part of the tests. */
  quickTest: string | null;
}

const manifests = ['package.json', 'pyproject.toml', 'requirements.txt', 'setup.py', 'go.mod', 'Cargo.toml'];
const maxParts = 5;

/** Every part that is known: those at the top, or failing that those of the directories right below it. */
export async function detectParts(tree: ReadableTree): Promise<Detected[]> {
  const top = await detectIn(tree, '');
  if (top.length > 0) return top;
  const below = [...tree.paths].flatMap((path) => {
    const [directory = '', name = '', ...more] = path.split('/');
    return more.length === 0 && manifests.includes(name) ? [`${directory}/`] : [];
  });
  const directories = [...new Set(below)].sort().slice(0, maxParts);
  return (await Promise.all(directories.map((directory) => detectIn(tree, directory)))).flat();
}

/** `directory` is empty, or ends in a slash. */
async function detectIn(tree: ReadableTree, directory: string): Promise<Detected[]> {
  const here: ReadableTree = {
    paths: new Set(
      [...tree.paths].flatMap((path) => (path.startsWith(directory) ? [path.slice(directory.length)] : [])),
    ),
    read: (path) => tree.read(directory + path),
  };
  const found = [await detectNode(here), await detectPython(here), detectGo(here), detectCargo(here)];
  const parts = found.filter((part) => part !== null);
  if (parts.every((part) => part.test === null)) {
    const make = await detectMake(here);
    if (make) parts.push(make);
  }
  return directory === '' ? parts : parts.map((part) => inDirectory(part, directory.slice(0, -1)));
}

function detectGo({ paths }: ReadableTree): Detected | null {
  if (!paths.has('go.mod')) return null;
  return {
    packageManager: 'go',
    setup: ['go mod download'],
    test: [...paths].some((path) => path.endsWith('_test.go')) ? 'go test ./...' : null,
    typecheck: 'go vet ./...',
    lint: null,
    quickTest: null,
  };
}

function detectCargo({ paths }: ReadableTree): Detected | null {
  if (!paths.has('Cargo.toml')) return null;
  return {
    packageManager: 'cargo',
    setup: [paths.has('Cargo.lock') ? 'cargo fetch --locked' : 'cargo fetch'],
    test: 'cargo test',
    typecheck: null,
    lint: null,
    quickTest: null,
  };
}

async function detectMake({ paths, read }: ReadableTree): Promise<Detected | null> {
  const name = ['GNUmakefile', 'makefile', 'Makefile'].find((candidate) => paths.has(candidate));
  const text = name === undefined ? null : await read(name);
  const has = (target: string) => text !== null && new RegExp(`^${target}[ \\t]*:(?!=)`, 'm').test(text);
  const test = ['test', 'check'].find(has);
  if (test === undefined) return null;
  return {
    packageManager: 'make',
    setup: [],
    test: `make ${test}`,
    typecheck: null,
    lint: has('lint') ? 'make lint' : null,
    quickTest: null,
  };
}

function inDirectory(part: Detected, directory: string): Detected {
  const there = (command: string) => `cd '${directory.replaceAll("'", `'\\''`)}' && ${command}`;
  const maybe = (command: string | null) => (command === null ? null : there(command));
  return {
    packageManager: part.packageManager,
    setup: part.setup.map(there),
    test: maybe(part.test),
    typecheck: maybe(part.typecheck),
    lint: maybe(part.lint),
    quickTest: maybe(part.quickTest),
  };
}
