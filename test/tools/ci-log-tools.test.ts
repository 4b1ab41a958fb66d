import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VendorError } from '../../src/core/vendor-error.ts';
import { ciLogServer } from '../../src/tools/ci-log-tools.ts';
import { ownPins } from '../../src/tools/own-servers.ts';
import { prepareTokenTools, type TokenTools } from '../../src/tools/token-tools.ts';
import { createToolServers, type ToolServers } from '../../src/tools/tool-servers.ts';
import { branchCommit } from '../stand-ins/github/git.ts';
import type { Repository } from '../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';
import { reportRun } from '../stand-ins/github/workflow-runs.ts';
import { type Opened, openSandbox, workingDriver } from './open-sandbox.ts';

let opened: Opened;
let github: GitHub;
let repository: Repository;
let servers: ToolServers;
let ciLogs: TokenTools;
let dir: string;

beforeAll(async () => {
  opened = await openSandbox(await workingDriver());
  github = await startGitHub();
  repository = await github.addRepository('acme/app');
  dir = join(opened.dir, '..', 'ci-logs');
  await mkdir(join(dir, '4194304'), { recursive: true }); // no process has this number
  await writeFile(join(dir, '4194304', 'token'), 'left behind');
  servers = createToolServers({ driver: opened.driver, pins: ownPins });
  const sample = ciLogServer({ apiUrl: github.apiUrl, location: 'acme/app' });
  ciLogs = await prepareTokenTools({ servers, dir, owner: opened.driver.owner, sample });
});

afterAll(async () => {
  await servers.close();
  await github.close();
  await opened.close();
});

const noScope = { report() {}, plan() {}, evidence() {}, rating() {}, usage() {}, effect() {} };
const signal = new AbortController().signal;

function mint(): string {
  const permissions = { actions: 'read', checks: 'read', contents: 'read', statuses: 'read' };
  const installation = github.apps.installations[0] ?? github.apps.install(repository.owner);
  return github.apps.mint(installation, { permissions }, [repository]).value;
}

test('the tools read the logs of their repository, with the newest token, which no other sandbox sees', async () => {
  const sha = (await branchCommit(repository.dir, 'main')) ?? '';
  const log = Buffer.from('go vet ./...\n./main.go:7:2: undefined: retry\n');
  const job = reportRun(github, repository, sha, { jobs: [{ name: 'vet', conclusion: 'failure', log }] }).jobs[0]?.id;
  let token: string | VendorError = mint();
  const tools = ciLogs.of({
    ...ciLogServer({ apiUrl: github.apiUrl, location: 'acme/app' }),
    async token() {
      if (token instanceof VendorError) throw token;
      return token;
    },
  });
  expect(tools.map(({ name, readOnly }) => ({ name, readOnly }))).toContainEqual({
    name: 'ci-logs_get-job-log',
    readOnly: true,
  });
  const ask = async () => {
    const tool = tools.find(({ name }) => name === 'ci-logs_get-job-log');
    return tool?.run({ job }, { key: 'k', signal, scope: noScope });
  };
  const marked = /^<outside-text from="tool server ci-logs">\n.*\.\/main\.go:7:2: undefined: retry.*<\/outside-text>$/s;
  expect(await ask()).toMatchObject({ text: expect.stringMatching(marked), isError: false });

  const [place = ''] = await readdir(join(dir, String(process.pid)));
  const file = join(dir, String(process.pid), place, 'token');
  expect((await stat(file)).mode & 0o777).toBe(0o400);
  const limits = { timeoutMs: 5_000, maxOutputBytes: 1_000 };
  if (opened.driver.kind !== 'none')
    expect((await opened.sandbox.exec(['cat', file], { signal, limits })).exitCode).not.toBe(0);

  for (const old of github.apps.tokens) old.isRevoked = true;
  expect(await ask()).toMatchObject({ text: expect.stringContaining('GitHub refused the token'), isError: true });
  token = mint();
  expect(await ask()).toMatchObject({ isError: false });
  token = new VendorError('The App is not installed there.', { code: 'not_found', retryable: false });
  expect(await ask()).toEqual({
    text: 'The App is not installed there.\nGo on without ci-logs_get-job-log.',
    isError: true,
  });
  github.expectClean();

  expect(await readdir(dir)).toEqual([String(process.pid)]);
  await ciLogs.close();
  expect(await readdir(dir)).toEqual([]);
});
