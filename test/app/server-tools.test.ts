import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareServerTools } from '../../src/app/server-tools.ts';
import type { CodeHost } from '../../src/code-hosts/code-host.ts';
import { ownPins } from '../../src/tools/own-servers.ts';
import { createToolServers } from '../../src/tools/tool-servers.ts';
import { hostOf, repositoryAt } from '../code-hosts/github/world.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';
import { usualEvent } from '../stand-ins/sentry/hostile.ts';
import { startSentry } from '../stand-ins/sentry/server.ts';
import { sentryProject } from '../support/alerts.ts';
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
  const repositories = new Map([['app', repositoryAt('acme/app')]]);
  const alerts = { sentry: null };
  const given = { servers, driver: opened.driver, codeHosts, repositories, alerts, dataDir: opened.dir, stops };
  const offered = await prepareServerTools(given);
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

test('errors are offered for a repository that Sentry has projects for, and of these only, by a token that no other sandbox sees', async () => {
  const sentry = await startSentry();
  stops.push(() => sentry.close());
  const [web, api] = ['acme/web', 'acme/api'].map((name) => sentry.site.addProject(name));
  if (!web || !api) throw new Error('there are no projects');
  const { issue } = sentry.site.capture(web, usualEvent());
  const elsewhere = sentry.site.capture(api, usualEvent()).issue;
  const projects = [sentryProject('acme/web', 'shop'), sentryProject('acme/api', 'backend')];
  const settings = { baseUrl: sentry.url, token: sentry.token, webhookSecrets: [], projects };
  const [shop, backend, docs] = ['shop', 'backend', 'docs'].map((name) => ({ ...repositoryAt('acme/app'), name }));
  if (!shop || !backend || !docs) throw new Error('there are no repositories');
  const servers = createToolServers({ driver: opened.driver, pins: ownPins });
  const dataDir = join(opened.dir, '..', 'data');
  await mkdir(dataDir);
  const offered = await prepareServerTools({
    ...{ servers, driver: opened.driver, codeHosts: new Map(), dataDir, stops },
    repositories: new Map([docs, shop, backend].map((each) => [each.name, each])),
    alerts: { sentry: settings },
  });
  stops.push(() => servers.close());
  const workspace = Promise.reject(new Error('not needed'));
  workspace.catch(() => {});
  const names = (repository: typeof shop) => offered(workspace, repository).map(({ name }) => name);
  expect(names(docs).filter((name) => name.startsWith('sentry'))).toEqual([]);
  const tools = offered(workspace, shop).filter(({ name }) => name.startsWith('sentry_'));
  expect(tools.map(({ name, readOnly }) => [name, readOnly])).toEqual([
    ['sentry_search-issues', true],
    ['sentry_get-issue', true],
    ['sentry_get-event', true],
    ['sentry_list-similar-events', true],
    ['sentry_get-release-commits', true],
    ['sentry_get-suspect-commits', true],
  ]);

  const ask = (repository: typeof shop, id: number) =>
    offered(workspace, repository)
      .find(({ name }) => name === 'sentry_get-event')
      ?.run({ issue: String(id) }, { key: 'k', signal, scope });
  const told = await ask(shop, issue.id);
  expect(told).toMatchObject({ text: expect.stringContaining('at saveCart (src/checkout.ts:41:11)'), isError: false });
  expect(told?.text).toMatch(/^<outside-text from="tool server sentry">/);
  expect(await ask(shop, elsewhere.id)).toMatchObject({
    text: expect.stringContaining('This server reads acme/web only'),
    isError: true,
  });
  expect(await ask(backend, elsewhere.id)).toMatchObject({ isError: false });

  const mine = join(dataDir, 'sentry', String(process.pid));
  const files = (await readdir(mine)).map((place) => join(mine, place, 'token'));
  expect(files).toHaveLength(2);
  for (const file of files) expect(await readFile(file, 'utf8')).toBe(sentry.token);
  const limits = { timeoutMs: 5_000, maxOutputBytes: 100_000 };
  const processes = await opened.sandbox.exec(['sh', '-c', `cat ${files[0]}; env; cat /proc/*/cmdline`], {
    signal,
    limits,
  });
  if (opened.driver.kind !== 'none') expect(Buffer.from(processes.stdout).toString()).not.toContain(sentry.token);
  sentry.expectClean();
});
