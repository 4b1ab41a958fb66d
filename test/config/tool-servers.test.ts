import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { serversFor } from '../../src/core/tool-server.ts';

function load(yaml: string, env: Record<string, string> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'shipmate-config-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  writeFileSync(join(cwd, 'shipmate.yaml'), yaml);
  return loadConfig({ cwd, env });
}

function problemsOf(yaml: string, env: Record<string, string> = {}): readonly string[] {
  try {
    load(yaml, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const good = `
repositories:
  shop: { path: /srv/shop.git }
toolServers:
  datadog:
    url: https://mcp.example.com/mcp
    tools: [search_logs]
    secrets: { DD-API-KEY: DATADOG_KEY, Authorization: DATADOG_TOKEN }
    teams: [Payments]
    seconds: 5
    output: 1 MB
  browser:
    command: npx
    args: ['@playwright/mcp']
    tools: [browser_snapshot]
    write: [browser_click]
    env: { LEVEL: debug }
    secrets: { SITE_PASSWORD: STAGING_PASSWORD }
    hosts: ['staging.example.com:443']
    paths: [/opt/browser]
    workspace: true
    repositories: [shop]
`;
const env = { DATADOG_KEY: 'key-of-datadog', DATADOG_TOKEN: 'token-of-datadog', STAGING_PASSWORD: 'password-there' };

test('a server is read with the secrets that it names, which are known as secrets', () => {
  const { toolServers, secrets } = load(good, env);
  expect(toolServers).toEqual([
    {
      name: 'datadog',
      at: {
        url: 'https://mcp.example.com/mcp',
        headers: { 'DD-API-KEY': 'key-of-datadog', Authorization: 'Bearer token-of-datadog' },
      },
      tools: ['search_logs'],
      write: [],
      repositories: [],
      teams: ['Payments'],
      callMs: 5_000,
      maxBytes: 2 ** 20,
      secrets: ['key-of-datadog', 'token-of-datadog'],
    },
    {
      name: 'browser',
      at: {
        command: 'npx',
        args: ['@playwright/mcp'],
        hosts: ['staging.example.com:443'],
        paths: ['/opt/browser'],
        workspace: true,
        env: { LEVEL: 'debug', SITE_PASSWORD: 'password-there' },
      },
      tools: ['browser_snapshot'],
      write: ['browser_click'],
      repositories: ['shop'],
      teams: [],
      callMs: 60_000,
      maxBytes: 8 * 2 ** 20,
      secrets: ['password-there'],
    },
  ]);
  expect(secrets).toEqual(expect.arrayContaining(Object.values(env)));
  const of = (repository: string, team: string | null) =>
    serversFor(toolServers, { repository, team }).map(({ name }) => name);
  expect([of('shop', 'payments'), of('shop', null), of('docs', 'Web')]).toEqual([
    ['datadog', 'browser'],
    ['browser'],
    [],
  ]);
});

test.each([
  ['a: { tools: [x] }', ['a has neither command nor url. Name the program that it is, or where it answers.']],
  ['a: { command: x, url: "https://x.y" }', ['a has both command and url. Keep one of them.']],
  ['git: { command: x }', ['git has the name of a server of ours. Give it another.']],
  [
    'a: { url: "https://x.y", hosts: [x.y], workspace: true }',
    ['hosts', 'workspace'].map(
      (own) => `a.${own} is for a server with a command, and this one has a url. Take it away.`,
    ),
  ],
  ['a: { command: x, tools: [t], write: [t] }', ['a lists "t" under tools and under write. Keep one of them.']],
  [
    'a: { command: x, hosts: ["*.x.y"] }',
    ['a.hosts has "*.x.y". Write a host or host:port by its exact name, without *.'],
  ],
  [
    'a: { command: x, paths: [tools, /srv/../etc, /srv/] }',
    ['tools', '/srv/../etc', '/srv/'].map(
      (path) => `a.paths has "${path}". Write an absolute path, without "..", and without / at its end.`,
    ),
  ],
  [
    'a: { command: x, env: { LD_PRELOAD: x } }',
    ['a sets LD_PRELOAD, which it cannot: no program would see it, or its sandbox sets it.'],
  ],
  [
    'a: { command: x, repositories: [shop] }',
    ['a.repositories names "shop", which is not under repositories (none is configured).'],
  ],
  [
    'a: { url: "http://x.y/mcp", secrets: { Authorization: SET } }',
    ['a.url is not https, and secrets would be sent there in the clear. Use https.'],
  ],
  [
    'a: { url: "https://a-token@x.y/mcp" }',
    [
      'a.url holds credentials (not shown). Send them as a header, by toolServers.a.secrets; replace them if this file was ever shared.',
    ],
  ],
  [
    'a: { url: "https://x.y/mcp?api_key=a-token" }',
    [expect.stringMatching(/^a\.url holds credentials \(not shown\)\./)],
  ],
  [
    'a: { command: x, secrets: { K: UNSET } }',
    ['a.secrets.K names UNSET, which is not set. Set it in the environment.'],
  ],
  [
    'a: { command: x, secrets: { K: GITHUB_TOKEN } }',
    [
      "a.secrets.K names GITHUB_TOKEN, which is the service's own. Give the server a secret of its own, in another variable.",
    ],
  ],
  [
    'a: { command: x, secrets: { API_KEY: sk-ant-0123456789 } }',
    [expect.stringMatching(/^a\.secrets\.API_KEY holds a secret\. Secrets belong in the environment/)],
  ],
  ['a: { command: x, secret: { K: SET } }', ['a.secret is not a known key. Did you mean toolServers.a.secrets?']],
  ['a: { command: x, seconds: 900 }', ['a.seconds must be a number above 0, at most 600, but is 900.']],
  [
    'a: { url: "ftp://x.y" }',
    ['a.url must be an address that begins with `https://` or `http://`, but is "ftp://x.y".'],
  ],
])('%s', (yaml, problems) => {
  const found = problemsOf(`toolServers:\n  ${yaml}\n`, { SET: 'a value', GITHUB_TOKEN: 'gone' });
  expect(found.map((each) => each.replace(/^(line \d+: )?toolServers\./, ''))).toEqual(problems);
});

test('no path shows a program the data of the service, or all that its user has', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'shipmate-config-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  for (const dir of ['ada/.cache', 'data/sentry']) mkdirSync(join(cwd, dir), { recursive: true });
  symlinkSync(join(cwd, 'data'), join(cwd, 'link'));
  const paths = [
    '/',
    cwd,
    `${cwd}/ada`,
    `${cwd}/link`,
    `${cwd}/data/sentry`,
    `${cwd}/ada/.cache`,
    `${cwd}/data-of-others`,
  ];
  const yaml = `dataDir: ${cwd}/data\ntoolServers:\n  a: { command: x, tools: [t], paths: ${JSON.stringify(paths)} }\n`;
  const told = problemsOf(yaml, { HOME: join(cwd, 'ada') });
  expect(told.map((each) => /paths has "(.*)", where the service's own data/.exec(each)?.[1])).toEqual(
    paths.slice(0, 5),
  );
});
