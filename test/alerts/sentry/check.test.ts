import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSentrySource } from '../../../src/alerts/sentry/source.ts';
import { type Sentry, startSentry } from '../../stand-ins/sentry/server.ts';
import { sentryProject } from '../../support/alerts.ts';

let sentry: Sentry;
beforeAll(async () => {
  sentry = await startSentry();
  sentry.site.addProject('acme/web');
});
afterAll(() => sentry.close());

const check = (more: { token?: string; webhookSecrets?: string[]; projects?: string[] } = {}) => {
  const { token = sentry.token, webhookSecrets = ['secret'], projects = ['acme/web'] } = more;
  const named = projects.map((name) => sentryProject(name, 'web', {}));
  return createSentrySource({ baseUrl: sentry.url, token, webhookSecrets, projects: named }).check();
};

test('each project says whether it can be read, and whether errors are told', async () => {
  expect(await check()).toEqual([
    { name: 'sentry acme/web', status: 'ok', message: 'can be read; errors are told by webhook' },
  ]);
  expect(await check({ webhookSecrets: [] })).toMatchObject([{ message: expect.stringMatching(/SECRET is not set/) }]);
  const [web, gone] = await check({ projects: ['acme/web', 'acme/gone'] });
  expect([web?.status, gone]).toMatchObject([
    'ok',
    { status: 'missing', message: expect.stringMatching(/acme\/gone/) },
  ]);
  const [refused] = await check({ token: 'sntrys_another' });
  expect(refused).toMatchObject({ status: 'missing', remedy: expect.stringMatching(/SENTRY_AUTH_TOKEN/) });
  expect(refused?.message).not.toContain('sntrys_another');
});
