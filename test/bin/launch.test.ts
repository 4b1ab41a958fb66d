import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOlderNode, major } from '../support/older-node.ts';
import { createFixture, type Fixture } from './fixture.ts';

const older = findOlderNode();
const nodes = [...new Set([older.path, process.execPath])];

/** Tells who it is; then does what its first argument says. */
const main = `
const [command, ...rest]: string[] = process.argv.slice(2);
const say = (value: unknown) => console.log(JSON.stringify(value));
say({ pid: process.pid, version: process.versions.node, argv: process.argv.slice(1), channel: process.env.SHIPMATE_RELAUNCHED ?? null });
if (command === 'fail') process.exitCode = Number(rest[0]);
if (command === 'crash') process.kill(process.pid, 'SIGKILL');
if (command === 'serve') {
  const alive = setInterval(() => {}, 1000);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      say(signal);
      clearInterval(alive);
      process.exitCode = 7;
    });
  }
  say('serving');
}
`;

let fixture: Fixture;

beforeAll(() => {
  fixture = createFixture();
  fixture.write('src/main.ts', main);
  fixture.addNode();
  fixture.addPostgres();
});

afterAll(() => fixture.remove());

function run(node: string, ...args: string[]) {
  const result = spawnSync(node, [`${fixture.root}/bin/shipmate.mjs`, ...args], { encoding: 'utf8' });
  return { status: result.status, signal: result.signal, first: JSON.parse(result.stdout.split('\n')[0] || 'null') };
}

/** A started program whose lines can be awaited one by one. */
function start(node: string): { program: ChildProcess; line(): Promise<unknown> } {
  const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
  const program = spawn(node, [`${fixture.root}/bin/shipmate.mjs`, 'serve'], { stdio });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  return { program, line: async () => JSON.parse((await lines.next()).value ?? 'null') };
}

test.each(nodes)('%s: runs main under Node.js 24 or newer, with its arguments and exit code', (node) => {
  const { status, first } = run(node, 'fail', '3', 'two words');
  expect(major(first.version)).toBeGreaterThanOrEqual(24);
  expect(first.argv).toEqual([`${fixture.root}/src/main.ts`, 'fail', '3', 'two words']);
  expect(first.channel).toBeNull();
  expect(status).toBe(3);
});

test.each(nodes)('%s: ends as main ended, by a signal too', (node) => {
  expect(run(node, 'crash')).toMatchObject({ status: null, signal: 'SIGKILL' });
});

test.each(nodes)('%s: a signal reaches main, which ends in its own way', async (node) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { program, line } = start(node);
    await line();
    expect(await line()).toBe('serving');
    program.kill(signal);
    expect(await line()).toBe(signal);
    expect(await once(program, 'exit')).toEqual([7, null]);
  }
});

test.each(nodes)('%s: kill -9 leaves nothing behind', async (node) => {
  const { program, line } = start(node);
  await line();
  expect(await line()).toBe('serving');
  program.kill('SIGKILL');
  expect(await line()).toBeNull(); // the pipe ends when the last process that holds it is gone
});

test('a newer Node.js runs main itself, without another process', async () => {
  const { program, line } = start(process.execPath);
  const { pid } = (await line()) as { pid: number };
  expect(pid).toBe(program.pid);
  await line();
  program.kill('SIGTERM');
  await once(program, 'exit');
});

test('without a database, help and doctor still run; other commands say what is missing', () => {
  const bare = createFixture();
  bare.write('src/main.ts', main);
  bare.addNode();
  const { DATABASE_URL: _, ...env } = process.env;
  const status = (...args: string[]) => {
    const result = spawnSync(process.execPath, [`${bare.root}/bin/shipmate.mjs`, ...args], { env, encoding: 'utf8' });
    return [result.status, result.stderr.split('\n')[0]];
  };
  for (const args of [[], ['--help'], ['start', '--help'], ['doctor']]) expect(status(...args)).toEqual([0, '']);
  expect(status('start')).toEqual([1, expect.stringContaining('The embedded PostgreSQL')]);
  bare.remove();
});
