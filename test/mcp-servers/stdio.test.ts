import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOlderNode } from '../support/older-node.ts';
import { createSampleHistory, type SampleRepository } from './git/sample-history.ts';
import { speak } from './speak.ts';

const program = fileURLToPath(new URL('../../bin/shipmate-mcp-git.mjs', import.meta.url));
const older = findOlderNode();

let repository: SampleRepository;

beforeAll(() => {
  repository = createSampleHistory();
});

afterAll(() => repository.remove());

const ours = { path: process.execPath, version: process.versions.node };

test.each([
  { line: '1.x', node: older },
  { line: '2.x', node: older },
  { line: '1.x', node: ours },
  { line: '2.x', node: ours },
] as const)('a $line client starts it from a clone with Node.js $node.version', async ({ line, node: { path } }) => {
  const args = [program, '--repository', repository.directory];
  const spoken = await speak(line, { command: path, args, cwd: tmpdir() });
  expect(spoken.server).toBe('shipmate-git');
  expect(spoken.tools).toContain('search-history');
  expect(spoken.commit).toContain('Drop the cap');
  expect(spoken.failure).toEqual({
    text: expect.stringContaining('No commit is named "no-such-branch"'),
    isError: true,
  });
});

test('takes the current directory when none is named', async () => {
  const spoken = await speak('1.x', { command: process.execPath, args: [program], cwd: repository.directory });
  expect(spoken.commit).toContain('Drop the cap');
});

const hello = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

test('answers what is under way when the client hangs up, then ends; noise on stdin goes to stderr', () => {
  const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'search-history', arguments: {} } };
  const input = `${JSON.stringify(hello)}\nnot json\n${JSON.stringify(call)}\n`;
  const run = spawnSync(process.execPath, [program, '--repository', repository.directory], { input, encoding: 'utf8' });
  const replies = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(replies.map(({ id }) => id)).toEqual([1, 2]);
  expect(replies[1].result.content[0].text).toContain('Drop the cap');
  expect(run.stderr).toContain('shipmate:');
  expect(run.status).toBe(0);
});

test.each([older.path, process.execPath])('ends at SIGTERM, started by %s', async (node) => {
  const server = spawn(node, [program, '--repository', repository.directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  server.stdin.write(`${JSON.stringify(hello)}\n`);
  await once(server.stdout, 'data');
  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([0, null]);
});

test('an argument it does not know is refused, on stderr', () => {
  const run = spawnSync(process.execPath, [program, '--repo', '.'], { encoding: 'utf8' });
  expect(run.status).toBe(2);
  expect(run.stdout).toBe('');
  expect(run.stderr).toContain("Unknown option '--repo'");
  expect(run.stderr).toContain('Usage: shipmate-mcp-git');
});
