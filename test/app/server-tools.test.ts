import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareServerTools } from '../../src/app/server-tools.ts';
import type { CodeHost } from '../../src/code-hosts/code-host.ts';
import { ownPins } from '../../src/tools/own-servers.ts';
import { createToolServers } from '../../src/tools/tool-servers.ts';
import { hostOf, repositoryAt } from '../code-hosts/github/world.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';
import { type Opened, openSandbox, workingDriver } from '../tools/open-sandbox.ts';

let opened: Opened;
let github: GitHub;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  opened = await openSandbox(await workingDriver());
  github = await startGitHub();
});

afterAll(async () => {
  for (const stop of stops) await stop();
  await github.close();
  await opened.close();
});

const signal = new AbortController().signal;
const scope = { report() {}, plan() {}, evidence() {}, rating() {}, usage() {}, effect() {} };

test('CI logs are offered for a repository that our App reads, by a token for just that', async () => {
  const row = await github.addRepository('acme/app');
  await github.addRepository('acme/other');
  github.apps.install(row.owner);
  const personal = hostOf(github, { token: github.apps.personalToken(row.owner) });
  expect(personal.following?.logAccess).toBeUndefined(); // it may do whatever its owner may

  const codeHosts = new Map<string, CodeHost>([
    ['github', hostOf(github)],
    ['personal', personal],
  ]);
  const servers = createToolServers({ driver: opened.driver, pins: ownPins });
  stops.push(() => servers.close());
  const offered = await prepareServerTools({ servers, driver: opened.driver, codeHosts, dataDir: opened.dir, stops });
  const workspace = Promise.reject(new Error('not needed'));
  workspace.catch(() => {});
  const servedFor = (codeHost: string) =>
    new Set(offered(workspace, { ...repositoryAt('acme/app'), codeHost }).map(({ name }) => name.split('_')[0]));
  expect(servedFor('github')).toEqual(new Set(['git', 'ci-logs']));
  expect(servedFor('personal')).toEqual(new Set(['git']));

  const tools = offered(workspace, repositoryAt('acme/app'));
  const listChecks = tools.find(({ name }) => name === 'ci-logs_list-checks');
  const result = await listChecks?.run({}, { key: 'k', signal, scope });
  expect(result).toMatchObject({ text: expect.stringContaining('no checks'), isError: false });
  expect(github.apps.tokens.at(-1)).toMatchObject({
    repositories: [row],
    permissions: { actions: 'read', checks: 'read', contents: 'read', metadata: 'read', statuses: 'read' },
  });
  github.expectClean();
});
