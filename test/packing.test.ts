import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Configuration, readConfigurations, startedBy } from './mcp-servers/configurations.ts';
import { onTrial, type Trial } from './mcp-servers/on-trial.ts';
import { callTool, connectTo } from './mcp-servers/speak.ts';
import { findOlderNode, major } from './support/older-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const older = findOlderNode();
const notPacked = new Set(['node_modules', 'dist', '.git', '.shipmate', 'test']);

let scratch: string;
let installed: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'shipmate-packing-'));
  const clone = join(scratch, 'clone');
  mkdirSync(clone);
  for (const name of readdirSync(root)) {
    if (!notPacked.has(name)) cpSync(join(root, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  npm(clone, 'pack', '--pack-destination', scratch);
  const [tarball = ''] = readdirSync(scratch).filter((name) => name.endsWith('.tgz'));

  const folder = join(scratch, 'empty');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{}');
  const begun = performance.now();
  npm(
    folder,
    'install',
    '--omit=optional',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    join(scratch, tarball),
  );
  console.log(`npm install of the packed package took ${Math.round((performance.now() - begun) / 1000)} s.`);
  installed = join(folder, 'node_modules', 'shipmate');
}, 180_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function npm(cwd: string, ...args: string[]): void {
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A program as npm links it into `node_modules/.bin`. */
function program(name: string): string {
  return join(installed, '..', '.bin', name);
}

test('the package is JavaScript in the folders of a clone, and nothing else', () => {
  expect(readdirSync(installed).sort()).toEqual(expect.arrayContaining(['README.md', 'dist', 'package.json']));
  for (const name of ['src', 'test', 'mcp-servers', 'build'])
    expect(existsSync(join(installed, name)), name).toBe(false);
  const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' });
  expect(files.filter((name) => name.endsWith('.ts'))).toEqual([]);
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const expected = sources
    .filter((name) => /\.\w+$/.test(name))
    .map((name) => join('src', name.replace(/\.ts$/, '.js')));
  expect(files).toEqual(expect.arrayContaining(expected));
  expect(files).toEqual(
    expect.arrayContaining(readdirSync(join(root, 'migrations')).map((name) => join('migrations', name))),
  );
});

test.each(Object.keys(onTrial))(`the %s server answers with Node.js ${older.version}`, async (name) => {
  const home = join(scratch, name);
  mkdirSync(home);
  const trial = (await onTrial[name]?.(home)) as Trial;
  const readme = readFileSync(join(root, 'mcp-servers', name, 'README.md'), 'utf8');
  const [configuration] = readConfigurations(readme) as [Configuration];
  const person = { ...trial, env: { PATH: process.env.PATH ?? '', HOME: home, ...trial.env } };
  const { command, args, env, cwd } = startedBy(person, configuration);
  const started = { command: older.path, args: [program(command), ...args], env: { ...env, ...trial.aside }, cwd };
  const client = await connectTo('1.x', started);
  const { tool, args: given, said } = trial.call;
  expect((await callTool(client, tool, given)).text).toContain(said);
  await client.close();
  await trial.close();
});

test('the command line runs, or says which Node.js it needs', () => {
  const help = execFileSync(process.execPath, [program('shipmate'), '--help'], { encoding: 'utf8' });
  expect(help).toContain('Usage: shipmate');
  if (major(older.version) >= 24) return;
  expect(() => execFileSync(older.path, [program('shipmate'), 'start'], { stdio: 'pipe' })).toThrow(
    `Node.js 24 or newer is needed; this is ${older.version}`,
  );
});
