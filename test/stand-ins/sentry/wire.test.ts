import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerProblems, findOperation, operations } from './contract.ts';
import { eventWithoutFrames, hostileEvent, minifiedEvent, usualEvent } from './hostile.ts';
import { type Sentry, startSentry } from './server.ts';

let sentry: Sentry;

beforeAll(async () => {
  sentry = await startSentry();
});

afterAll(() => sentry.close());

async function ask(path: string, token = sentry.token) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${sentry.url}/api/0/${path}`, { headers });
  const body = (await answer.json()) as { title: string }[] & { detail?: string };
  return { status: answer.status, link: answer.headers.get('link'), body };
}

test('each operation answers as the description has it', async () => {
  const project = sentry.site.addProject('acme/web', { platform: 'node' });
  const pullRequest = { id: '12', title: 'Save carts', url: 'https://github.com/acme/web/pull/12' };
  const release = sentry.site.addRelease('web@1.4.0', [project], [{ pullRequest }, { message: 'Another' }]);
  sentry.site.deploy(release, 'production');
  const { issue, eventID } = sentry.site.capture(project, usualEvent());
  for (const event of [usualEvent(), hostileEvent(), minifiedEvent(), eventWithoutFrames(), { message: 'hello' }])
    sentry.site.capture(project, event);
  issue.suspects = release.commits;
  const asked = [
    'projects/acme/web/',
    `organizations/acme/issues/?project=${project.id}&query=&sort=freq&limit=2&statsPeriod=14d`,
    ...sentry.site.issues.flatMap(({ id, shortId }) => [
      `organizations/acme/issues/${id}/`,
      `organizations/acme/issues/${id}/events/latest/`,
      `organizations/acme/issues/${id}/events/?per_page=1`,
      `organizations/acme/shortids/${shortId}/`,
    ]),
    `projects/acme/web/events/${eventID}/committers/`,
    'organizations/acme/releases/web%401.4.0/',
    'organizations/acme/releases/web%401.4.0/deploys/',
    'projects/acme/web/releases/?per_page=10',
    'projects/acme/web/releases/web%401.4.0/commits/',
  ];
  for (const path of asked) expect((await ask(path)).status, path).toBe(200);
  const met = new Set(sentry.requests.map(({ operation }) => operation));
  expect(operations.filter(({ id }) => !met.has(id))).toEqual([]);
  sentry.expectClean();
});

test('what is not as the description has it is told', async () => {
  const issue = findOperation('GET', '/api/0/organizations/acme/issues/1/')?.operation;
  if (!issue) throw new Error('there is no such operation');
  expect(answerProblems(issue, { id: 1 }).join()).toMatch(/required property 'shortId'.*\/id must be string/);
  expect(answerProblems(issue, { mood: 'good' }).join()).toContain('"additionalProperty":"mood"');
  await ask('organizations/acme/issues/?sort=nicest&limit=many&mood=good');
  expect(() => sentry.expectClean()).toThrow(/sort.*limit.*\?mood is not in the description/s);
  expect((await ask('organizations/acme/nothing/')).status).toBe(404);
  expect(() => sentry.expectClean()).toThrow('There is no GET /api/0/organizations/acme/nothing/.');
});

test('lists go on by cursors, and tokens see what they may', async () => {
  const project = sentry.site.addProject('other/api');
  for (const name of ['a', 'b', 'c']) sentry.site.capture(project, { message: name });
  const first = await ask('organizations/other/issues/?limit=2');
  expect(first.body.map(({ title }) => title)).toEqual(['c', 'b']);
  const next = /rel="next"; results="true"; cursor="([^"]+)"/.exec(first.link ?? '')?.[1];
  const second = await ask(`organizations/other/issues/?limit=2&cursor=${next}`);
  expect(second.body).toMatchObject([{ title: 'a', shortId: 'API-1' }]);
  expect(second.link).toContain('rel="next"; results="false"');

  const blind = sentry.site.addToken({ scopes: ['org:read'] });
  const narrow = sentry.site.addToken({ organizations: [] });
  for (const { value } of [blind, narrow]) expect((await ask('organizations/other/issues/', value)).status).toBe(403);
  blind.isRevoked = true;
  expect(await ask('organizations/other/issues/', blind.value)).toMatchObject({ status: 401 });
  expect((await ask('organizations/other/issues/?query=nonsense:1')).body.detail).toContain('Invalid key');
  sentry.expectClean();
});

test('what happens to an issue is told, signed, once', async () => {
  const heard: { headers: Record<string, unknown>; body: Buffer }[] = [];
  const listener = createServer(async (from, to) => {
    const chunks: Buffer[] = [];
    for await (const chunk of from) chunks.push(chunk);
    heard.push({ headers: from.headers, body: Buffer.concat(chunks) });
    to.writeHead(202).end();
  }).listen(0, '127.0.0.1');
  try {
    const project = sentry.site.addProject('acme/shop', { alertRule: 'Anything' });
    await expect.poll(() => listener.address()).not.toBeNull();
    sentry.integration.url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/hook`;
    const { issue } = sentry.site.capture(project, usualEvent());
    sentry.site.resolve(issue, { inNextRelease: true });
    sentry.site.capture(project, usualEvent());
    expect(issue).toMatchObject({ status: 'unresolved', substatus: 'regressed', count: 2 });
    await sentry.outbox.settled();
    const told = heard.map(({ headers, body }) => [
      headers['sentry-hook-resource'],
      JSON.parse(body.toString()).action,
    ]);
    expect(told.map(String).toSorted()).toEqual([
      'event_alert,triggered',
      'event_alert,triggered',
      'issue,created',
      'issue,resolved',
      'issue,unresolved',
    ]);
    for (const { headers, body } of heard) {
      const signature = createHmac('sha256', sentry.integration.clientSecret).update(body).digest('hex');
      expect(headers['sentry-hook-signature']).toBe(signature);
      expect(headers['request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
    const alert = sentry.outbox.told.find(({ resource }) => resource === 'event_alert');
    expect(alert?.payload.data).toMatchObject({
      event: {
        issue_id: String(issue.id),
        release: 'web@1.4.0',
        exception: { values: [{ type: 'ConnectionError' }, { stacktrace: { frames: expect.any(Array) } }] },
      },
      triggered_rule: 'Anything',
    });
    expect(sentry.outbox.counts).toEqual({ sent: 5, taken: 5, late: 0 });
  } finally {
    sentry.integration.url = null;
    listener.close();
  }
});
