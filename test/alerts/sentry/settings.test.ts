import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sentry } from '../../../src/alerts/sentry/definition.ts';
import { ConfigError, type Environment, loadConfig } from '../../../src/config.ts';
import { sentryProject } from '../../support/alerts.ts';

const token = `sntryi_${'0a'.repeat(32)}`;

function load(yaml: string, env: Environment = { SENTRY_AUTH_TOKEN: token }) {
  const cwd = mkdtempSync(join(tmpdir(), 'shipmate-sentry-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  writeFileSync(join(cwd, 'shipmate.yaml'), `repositories: { shop: { path: a }, docs: { path: b } }\n${yaml}`);
  return loadConfig({ cwd, env });
}

function problemsOf(yaml: string, env?: Environment): readonly string[] {
  try {
    load(yaml, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('this configuration was accepted');
}

const two = `
sentry:
  projects:
    - { project: acme/web, repository: shop }
    - { project: acme/api, repository: shop }
`;

test('projects are read with their repositories, and a session gets what is of its own', () => {
  const env = { SENTRY_AUTH_TOKEN: token, SENTRY_BASE_URL: 'https://de.sentry.io/', SENTRY_WEBHOOK_SECRET: 'one, two' };
  const { alerts, secrets } = load(two, env);
  expect(alerts.sentry).toEqual({
    baseUrl: 'https://de.sentry.io',
    token,
    webhookSecrets: ['one', 'two'],
    projects: [sentryProject('acme/web', 'shop'), sentryProject('acme/api', 'shop')],
  });
  expect(secrets).toEqual(expect.arrayContaining([token, 'one', 'two']));
  if (!alerts.sentry) throw new Error('it is off');
  expect(sentry.toolServer(alerts.sentry, { name: 'docs' })).toBeNull();
  const server = sentry.toolServer(alerts.sentry, { name: 'shop' });
  expect(server).toMatchObject({
    args: ['--projects', 'acme/web,acme/api'],
    env: { SENTRY_BASE_URL: 'https://de.sentry.io' },
  });
  expect(JSON.stringify(server)).not.toContain(token);
});

test('without projects it is off, whatever is in the environment', () => {
  for (const yaml of ['', 'sentry:', 'sentry: { projects: }']) expect(load(yaml).alerts).toEqual({ sentry: null });
});

test.each<[yaml: string, env: Environment | undefined, problems: (string | RegExp)[]]>([
  [two, {}, ['sentry.projects names projects, but nothing opens Sentry: set SENTRY_AUTH_TOKEN.']],
  ...['http://sentry.acme.example', 'https://ada@sentry.acme.example', 'https://:pass@sentry.acme.example'].map(
    (url): [string, Environment, RegExp[]] => [
      two,
      { SENTRY_AUTH_TOKEN: token, SENTRY_BASE_URL: url },
      [/^SENTRY_BASE_URL must be an https/],
    ],
  ),
  [
    'sentry: { projects: [{ project: acme/web, repository: web }, { project: ACME/web, repository: shop }] }',
    undefined,
    [
      'sentry.projects[0].repository names "web", which is not under repositories (known: shop, docs).',
      'sentry.projects[1] names ACME/web once more. Keep one of them.',
    ],
  ],
  [
    'sentry: { projects: [{ project: web, repository: shop }] }',
    undefined,
    [/sentry\.projects\[0\]\.project must be `organi/],
  ],
  [`sentry: { token: ${token} }`, undefined, [/sentry\.token holds a secret\. .* as SENTRY_AUTH_TOKEN/]],
])('%s is refused', (yaml, env, problems) => {
  expect(problemsOf(yaml, env)).toEqual(
    problems.map((each) => (typeof each === 'string' ? each : expect.stringMatching(each))),
  );
});
