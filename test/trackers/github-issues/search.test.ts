import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openGitHubIssues } from '../../../src/trackers/github-issues/open.ts';
import type { Tracker } from '../../../src/trackers/tracker.ts';
import { type Reporter, reporter } from '../../stand-ins/github/issue-people.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';

const never = new AbortController().signal;
const operation = 'search/issues-and-pull-requests';

let github: GitHub;
let tracker: Tracker;
let other: Reporter;
beforeAll(async () => {
  github = await startGitHub({ searchesPerMinute: 6 });
  github.search.lagMs = 0;
  const ada = github.addUser('ada');
  for (const name of ['Acme/web', 'Acme/api', 'Acme/secret', 'other/web']) {
    const repository = await github.addRepository(name);
    if (name.endsWith('/web')) github.apps.install(repository.owner);
    other = reporter(github, repository, ada);
    other.file({ title: `Dates are wrong in ${name}` });
  }
  const { id, privateKey, webhookSecret } = github.apps.app;
  const keys = { apiUrl: github.apiUrl, appId: String(id), privateKey, token: null, webhookSecrets: [webhookSecret] };
  tracker = openGitHubIssues({
    label: 'for-shipmate',
    repositories: ['Acme/web', 'acme/api', 'other/web'],
    github: { agent: 'shipmate', ...keys, pollSeconds: null },
  });
});
afterAll(() => github?.close());
beforeEach(() => {
  github.faults.clear();
  github.clock.advance(61_000);
  github.requests.length = 0;
});

const search = async (words: string, limit = 10) =>
  (await tracker.searchTickets(words, limit, never)).map(({ hint }) => hint.identifier);
const queries = () =>
  github.requests
    .filter((request) => request.operation === operation)
    .map(({ url }) => new URL(url, github.url).searchParams.get('q'))
    .toSorted();

test('each owner is asked once, by its own installation, and nothing but our repositories is found', async () => {
  expect((await search('dates')).toSorted()).toEqual(['Acme/api#1', 'Acme/web#1', 'other/web#1']);
  expect(queries()).toEqual(['repo:other/web is:issue (dates)', 'user:acme is:issue (dates)']);
  expect(await search('dates', 2), 'of each the best').toEqual([expect.stringMatching(/^Acme/), 'other/web#1']);
  const names = (await tracker.listTeams(never)).map(({ name }) => name);
  expect(names).toEqual(['Acme/web', 'Acme/api', 'other/web']);
  github.expectClean();
});

test('of many words the longest are asked for, as many as GitHub takes', async () => {
  await search('repo:evil/x OR when the API is asked for a range of inconsistent dates it returns two formats NOT one');
  expect(queries()[0]).toBe('repo:other/web is:issue (asked OR range OR inconsistent OR dates OR returns OR formats)');
  const long = Array.from({ length: 9 }, (_, index) => `${index}`.repeat(40));
  expect(await search(`${long.join(' ')} ${'x'.repeat(41)}`)).toEqual([]);
  github.expectClean();
});

test('a search that GitHub could not finish gives what it found', async () => {
  for (let filed = 0; filed < 2; filed++) other.file({ title: 'Half of it' });
  expect(await search('half')).toHaveLength(2);
  github.search.isIncomplete = true;
  github.clock.advance(1_000);
  expect(await search('half')).toHaveLength(1);
  github.search.isIncomplete = false;
  github.expectClean();
});

test('an owner of whom enough was searched is left out; where nobody is left, it says for how long', async () => {
  const limited = { type: 'rateLimit', shape: 'secondary', seconds: 5 } as const;
  github.faults.add({ operation, nth: 1, action: limited });
  expect(new Set((await search('dates')).map((each) => each.split('/')[0])).size).toBe(1);
  github.faults.clear();
  for (let asked = 0; asked < 6; asked++) await search(`dates ${asked}`);
  const refused = await search('dates').catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: 'VendorError', code: 'rate_limited', retryable: true });
  expect(queries()).toHaveLength(2 * 8);
  expect(await tracker.createTicket({ id: 'b', draft: draft([]) }, never), 'all else goes on').toBeTruthy();
  github.clock.advance(61_000);
  expect(await search('dates')).toHaveLength(3);
  github.expectClean();
});

const draft = (labels: string[]) => ({
  ...{ title: 'Labelled', description: '', priority: 'none' as const, fields: {}, project: null, team: 'other/web' },
  labels,
});

test('what was there before a ticket was thought of is not looked through for it', async () => {
  const filing = { id: 'new', draft: draft([]), since: new Date(github.clock.now()).toISOString() };
  const hint = await tracker.createTicket(filing, never);
  const looks = github.requests.filter(({ operation }) => operation === 'issues/list-for-repo');
  expect(looks.at(-1)?.url).toContain('since=');
  expect(hint.title).toBe('Labelled');
});

test('a label that GitHub refuses is left out, and the others are on the ticket', async () => {
  const refusal = { message: 'Validation Failed', errors: [{ resource: 'Label', code: 'invalid', field: 'name' }] };
  const fault = { nth: 1, action: { type: 'status', status: 422, commit: 'before', body: refusal } } as const;
  github.faults.add({ operation: 'issues/create', ...fault }, { operation: 'issues/add-labels', ...fault });
  const filing = { id: 'a', draft: draft(['odd', 'bug']) };
  const hint = await tracker.createTicket(filing, never);
  expect(github.faults.unmet()).toEqual([]);
  expect((await tracker.readTicket(hint, never)).labels).toEqual(['bug']);
  expect(await tracker.createTicket(filing, never)).toEqual(hint);
  github.expectClean();
});
