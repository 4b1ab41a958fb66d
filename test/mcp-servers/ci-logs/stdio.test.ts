import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GitHub } from '../../stand-ins/github/server.ts';
import { findOlderNode } from '../../support/older-node.ts';
import { callTool, connectTo, type StartedServer } from '../speak.ts';
import { cause, startWithFailedJob } from './failed-job.ts';

const program = fileURLToPath(new URL('../../../bin/shipmate-mcp-ci-logs.mjs', import.meta.url));

let github: GitHub;
let scratch: string;
let token: string;
let job: number;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'shipmate-ci-logs-'));
  ({ github, token, job } = await startWithFailedJob());
});

afterAll(async () => {
  await github.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Starts it, asks for the log, and lists the tools. */
async function use(line: '1.x' | '2.x', server: StartedServer) {
  const client = await connectTo(line, server);
  try {
    const { tools } = await client.listTools();
    const log = await callTool(client, 'get-job-log', { job });
    return { name: client.getServerVersion()?.name, tools: tools.map(({ name }) => name), log, client };
  } catch (error) {
    await client.close();
    throw error;
  }
}

test.each([
  { line: '1.x', node: findOlderNode() },
  { line: '2.x', node: { path: process.execPath, version: process.versions.node } },
] as const)('a $line client starts it with Node.js $node.version; its token is replaced', async ({ line, node }) => {
  const file = join(scratch, `token-${line}`);
  writeFileSync(file, 'ghs_old');
  const { name, tools, log, client } = await use(line, {
    command: node.path,
    args: [program, '--repository', 'acme/app', '--token-file', file],
    cwd: tmpdir(),
    env: { GITHUB_API_URL: github.apiUrl },
  });
  try {
    expect(name).toBe('shipmate-ci-logs');
    expect(tools).toContain('compare-with-base');
    expect(log).toEqual({ text: expect.stringContaining('GitHub refused the token'), isError: true });
    writeFileSync(file, `${token}\n`);
    const again = await callTool(client, 'get-job-log', { job });
    expect(again).toEqual({ text: expect.stringContaining(cause), isError: false });
    rmSync(file);
    expect((await callTool(client, 'list-checks', {})).text).toContain('The token could not be read (ENOENT)');
  } finally {
    await client.close();
  }
});

test.each([
  [[], 'No repository is named'],
  [['--repository', 'acme/../x', '--token-file', 'x'], '"acme/../x" is no repository; write OWNER/NAME.'],
])('%j is refused, on stderr', (args, said) => {
  const run = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env: { PATH: process.env.PATH } });
  expect(run).toMatchObject({ status: 2, stdout: '' });
  expect(run.stderr).toContain(said);
  expect(run.stderr).toContain('Usage: shipmate-mcp-ci-logs');
});
