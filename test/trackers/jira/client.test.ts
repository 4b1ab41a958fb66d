import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { createJiraClient } from '../../../src/trackers/jira/client.ts';
import type { JiraError } from '../../../src/trackers/jira/errors.ts';
import { hintOf, priorityOf, readIdentifier } from '../../../src/trackers/jira/hint.ts';
import { categoryOf } from '../../../src/trackers/jira/states.ts';
import type { FaultAction } from '../../stand-ins/jira/faults.ts';
import { somebody } from '../../stand-ins/jira/people.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { anySignal, clientOf } from './desk.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira();
  addProject(jira.site, { key: 'ENG', name: 'Engineering' });
});
afterEach(() => {
  jira.faults.clear();
  jira.expectClean();
});
afterAll(() => jira.close());

const failure = (work: Promise<unknown>): Promise<JiraError> =>
  work.then(
    () => expect.fail('it was answered'),
    (error) => error,
  );

const status = (code: number, body: unknown, headers: Record<string, string> = {}): FaultAction => ({
  type: 'status',
  status: code,
  commit: 'before',
  body,
  headers,
});

test('each way in which Jira says no, or nothing, is told in our words', async () => {
  const client = clientOf(jira, jira.site.addUser('Shipmate'));
  const ask = () => failure(client.on(anySignal()).myself.getCurrentUser({}));
  const words = (says: string) => ({ errorMessages: [says], errors: {} });
  const cases: [FaultAction, Partial<JiraError>, RegExp][] = [
    [
      status(401, 'Client must be authenticated'),
      { code: 'disconnected', retryable: true, account: client.host },
      /credentials/,
    ],
    [status(401, { message: 'Unauthorized; scope does not match' }), { code: 'unauthorized' }, /lacks a scope/],
    [status(403, words('No.')), { code: 'invalid', retryable: false }, /permit.*No\./],
    [status(403, '<html>blocked</html>'), { code: 'unavailable' }, /web page/],
    [status(404, words('Gone.')), { code: 'not_found', retryable: false }, /Gone\./],
    [status(404, '<html></html>'), { code: 'unavailable', retryable: true }, /web page/],
    [
      status(400, { errorMessages: ['Bad.'], errors: { summary: 'Too long.' } }),
      { code: 'invalid', retryable: false, fields: { summary: 'Too long.' } },
      /Bad\. summary: Too long\./,
    ],
    [status(409, words('Busy.')), { code: 'conflict', retryable: true }, /Busy/],
    [status(503, words('Later.'), { 'retry-after': '7' }), { code: 'unavailable', retryAfterMs: 7_000 }, /Later/],
    [status(200, '<html></html>'), { code: 'unavailable', retryable: true }, /web page/],
    [status(302, '', { location: 'http://127.0.0.1:1/' }), { code: 'unavailable' }, /elsewhere/],
    [{ type: 'cut' }, { code: 'unavailable', status: 0 }, /does not answer/],
    [{ type: 'cutReply' }, { code: 'unavailable', status: 0 }, /does not answer/],
    [{ type: 'rateLimit', seconds: 3 }, { code: 'rate_limited', retryAfterMs: 3_000 }, /too often/],
    [
      { type: 'rateLimit', seconds: 4, reason: 'jira-per-issue-on-write' },
      { code: 'unavailable', retryAfterMs: 4_000, account: undefined },
      /one ticket/,
    ],
    [
      { type: 'rateLimit', seconds: 9, reason: 'jira-quota-tenant-based' },
      { code: 'rate_limited', retryAfterMs: 9_000, account: client.host },
      /used up/,
    ],
  ];
  for (const [action, expected, message] of cases) {
    jira.faults.clear();
    jira.faults.add({ action });
    const error = await ask();
    expect(error).toBeInstanceOf(VendorError);
    expect({ ...error, message: error.message }).toMatchObject(expected);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(client.host);
  }
});

test('a call ends with its signal', async () => {
  const client = clientOf(jira, jira.site.addUser('Waiting'));
  jira.faults.add({ action: { type: 'hang' } });
  const stop = new AbortController();
  const work = failure(client.on(stop.signal).myself.getCurrentUser({}));
  await expect.poll(() => jira.requests.at(-1)?.operation).toBe('myself.getCurrentUser');
  stop.abort(new Error('enough'));
  expect((await work).message).toBe('enough');
});

test('what stands in a path leads nowhere else', async () => {
  const client = clientOf(jira, jira.site.addUser('Careful'));
  const api = client.on(anySignal());
  const from = jira.requests.length;
  for (const id of ['../../3/myself', 'ENG-1/comment', 'ENG-1?expand=x', 'ENG-1#', '%2e%2e'])
    expect(await failure(api.issues.getIssue({ issueIdOrKey: id }))).toMatchObject({ code: 'not_found' });
  expect(new Set(jira.requests.slice(from).map(({ operation }) => operation))).toEqual(new Set(['issues.getIssue']));
  const asked = jira.requests.length;
  for (const id of ['..', '.', ''])
    expect(await failure(api.issues.getIssue({ issueIdOrKey: id }))).toMatchObject({ code: 'not_found' });
  expect(jira.requests).toHaveLength(asked);
});

test('a wrong token is told as one, where a site makes a visitor of us, too; no credential is in a message', async () => {
  const server = createServer((request, response) => {
    const { authorization = '' } = request.headers;
    const said = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ errorMessages: [`You sent ${said} as ${authorization}`] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const auth = { type: 'basic', email: 'bot@example.org', apiToken: 'ATATT-very-secret' } as const;
    const talkative = createJiraClient({ site: { url, cloudId: null }, auth });
    const { message, code } = await failure(talkative.on(anySignal()).myself.getCurrentUser({}));
    expect(code).toBe('invalid');
    expect(message).toContain('***');
    expect(message).not.toContain('ATATT-very-secret');
    expect(message).not.toContain(Buffer.from('bot@example.org:ATATT-very-secret').toString('base64'));

    const site = { url: jira.site.url, cloudId: null };
    jira.site.isAnonymousOnBadToken = true;
    const asVisitor = createJiraClient({ site, auth }).on(anySignal());
    expect(await failure(asVisitor.projects.searchProjects({}))).toMatchObject({ code: 'disconnected' });
    expect(await failure(asVisitor.issues.getIssue({ issueIdOrKey: 'ENG-1' }))).toMatchObject({ code: 'disconnected' });
  } finally {
    jira.site.isAnonymousOnBadToken = false;
    server.close();
  }
});

test('at the gateway a token that is not taken is changed for another, once', async () => {
  const { site, oauth } = jira;
  const user = site.addUser('Scoped');
  const ada = somebody(site, user);
  const { issue } = ada.create({ project: site.projects[0] as never, summary: 'Steer' });
  const scoped = oauth.addApiToken(site, user, { scopes: ['read:jira-work', 'read:jira-user'] }).value;
  const asked: (string | null)[] = [];
  const auth = {
    type: 'bearer' as const,
    token: async (refused: string | null) => {
      asked.push(refused);
      return refused === null ? 'too-old' : scoped;
    },
  };
  const client = createJiraClient({
    site: { url: site.url, cloudId: site.cloudId },
    auth,
    apiUrl: jira.apiUrl,
  });
  const answer = await client.on(anySignal()).issues.getIssue({ issueIdOrKey: issue.key, fields: ['summary'] });
  expect(answer.fields).toMatchObject({ summary: 'Steer' });
  expect(asked).toEqual([null, 'too-old']);
  expect(client.url).toBe(site.url);
  const { cloudId, isGateway } = jira.requests.at(-1) ?? {};
  expect({ cloudId, isGateway }).toEqual({ cloudId: site.cloudId, isGateway: true });
});

test('names of people are understood: identifiers, states, priorities', () => {
  expect(
    [
      'eng-12',
      ' ENG-12 ',
      'https://Acme.atlassian.net/browse/eng-12?focusedCommentId=1',
      'acme.atlassian.net/10001',
      'ENG',
      '12',
    ].map(readIdentifier),
  ).toEqual([
    { site: null, issue: 'ENG-12' },
    { site: null, issue: 'ENG-12' },
    { site: 'acme.atlassian.net', issue: 'ENG-12' },
    { site: 'acme.atlassian.net', issue: '10001' },
    null,
    null,
  ]);
  const state = (name: string, key: string, review: string | null = null, resolution?: string) =>
    categoryOf({ name, statusCategory: { key } }, { review }, resolution === undefined ? null : { name: resolution });
  expect([
    state('Backlog', 'new'),
    state('To Do', 'new'),
    state('In Progress', 'indeterminate'),
    state('Code Review', 'indeterminate'),
    state('Code Review', 'indeterminate', 'Prüfung'),
    state('prüfung', 'indeterminate', 'Prüfung'),
    state('Done', 'done'),
    state("Won't Do", 'done'),
    state('Closed', 'done', null, 'Duplicate'),
    state('?', 'undefined'),
  ]).toEqual([
    ...['backlog', 'unstarted', 'started', 'review', 'started', 'review', 'done', 'canceled', 'canceled', 'backlog'],
  ]);
  expect([{ name: 'Blocker' }, { name: 'Hoch', id: '2' }, { name: 'P9', id: '10000' }, null].map(priorityOf)).toEqual([
    'urgent',
    'high',
    'none',
    'none',
  ]);
  const hint = hintOf(
    { host: 'acme.atlassian.net', url: 'https://acme.atlassian.net' },
    {
      id: '10001',
      key: 'ENG-12',
      fields: { summary: 'Steer', project: { id: '7', key: 'ENG', name: 'Engineering' }, priority: { name: 'High' } },
    },
  );
  expect(hint).toEqual({
    tracker: 'jira',
    id: 'acme.atlassian.net/10001',
    identifier: 'ENG-12',
    title: 'Steer',
    url: 'https://acme.atlassian.net/browse/ENG-12',
    priority: 'high',
    team: 'Engineering',
    project: 'Engineering',
    account: 'acme.atlassian.net',
    ref: { site: 'acme.atlassian.net', issueId: '10001', projectId: '7' },
  });
});
