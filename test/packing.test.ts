import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cause, startWithFailedJob } from './mcp-servers/ci-logs/failed-job.ts';
import { createSampleHistory, type SampleRepository } from './mcp-servers/git/sample-history.ts';
import { callTool, connectTo, speak } from './mcp-servers/speak.ts';
import { createRecordingDesk } from './mcp-servers/tickets/recording-desk.ts';
import { startTicketsService, token } from './mcp-servers/tickets/tickets-service.ts';
import { findOlderNode, major } from './support/older-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const older = findOlderNode();
const notPacked = new Set(['node_modules', 'dist', '.git', '.shipmate', 'test']);

let scratch: string;
let installed: string;
let repository: SampleRepository;

beforeAll(() => {
  repository = createSampleHistory();
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

afterAll(() => {
  repository.remove();
  rmSync(scratch, { recursive: true, force: true });
});

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

test.each(['1.x', '2.x'] as const)(`a %s client starts the git server with Node.js ${older.version}`, async (line) => {
  const args = [program('shipmate-mcp-git'), '--repository', repository.directory];
  const spoken = await speak(line, { command: older.path, args });
  expect(spoken.server).toBe('shipmate-git');
  expect(spoken.tools).toContain('search-history');
  expect(spoken.commit).toContain('Drop the cap');
  expect(spoken.failure.isError).toBe(true);
});

test(`the ci-logs server reads a log with Node.js ${older.version}`, async () => {
  const { github, token: githubToken, job } = await startWithFailedJob();
  const client = await connectTo('2.x', {
    command: older.path,
    args: [program('shipmate-mcp-ci-logs'), '--repository', 'acme/app'],
    env: { GITHUB_API_URL: github.apiUrl, GITHUB_TOKEN: githubToken },
  });
  expect(await callTool(client, 'get-job-log', { job })).toEqual({
    text: expect.stringContaining(cause),
    isError: false,
  });
  await client.close();
  await github.close();
});

test(`the tickets server files with Node.js ${older.version}, and has its instructions with it`, async () => {
  const record = createRecordingDesk();
  const service = await startTicketsService(record.desk);
  const client = await connectTo('1.x', {
    command: older.path,
    args: [program('shipmate-mcp-tickets'), '--directory', repository.directory],
    env: { SHIPMATE_URL: service.url, SHIPMATE_TOKEN: token, XDG_STATE_HOME: join(scratch, 'state') },
  });
  const { text } = await callTool(client, 'make_ticket', { title: 'Retries never end', places: ['src/retry.ts:1'] });
  expect(text).toContain('"Retries never end": filed');
  expect([...record.filed.values()]).toMatchObject([{ checkout: { branch: 'main' } }]);
  const { messages } = await client.getPrompt({ name: 'make_ticket' });
  expect(JSON.stringify(messages)).toContain('make_ticket');
  await client.close();
  await service.close();
});

test('the command line runs, or says which Node.js it needs', () => {
  const help = execFileSync(process.execPath, [program('shipmate'), '--help'], { encoding: 'utf8' });
  expect(help).toContain('Usage: shipmate');
  if (major(older.version) >= 24) return;
  expect(() => execFileSync(older.path, [program('shipmate'), 'start'], { stdio: 'pipe' })).toThrow(
    `Node.js 24 or newer is needed; this is ${older.version}`,
  );
});
