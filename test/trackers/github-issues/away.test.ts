import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGitHubIssues } from '../../../src/trackers/github-issues/open.ts';
import type { TicketPage, Tracker } from '../../../src/trackers/tracker.ts';
import type { Installation } from '../../stand-ins/github/apps.ts';
import { reporter } from '../../stand-ins/github/issue-people.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';

const never = new AbortController().signal;

describe('an owner who does not let the App in', () => {
  let github: GitHub;
  let acme: Installation;
  const identifiers: string[] = [];
  beforeAll(async () => {
    github = await startGitHub();
    for (const owner of ['Acme', 'other']) {
      const repository = await github.addRepository(`${owner}/web`);
      const installation = github.apps.install(repository.owner);
      if (owner === 'Acme') acme = installation;
      const ada = reporter(github, repository, github.addUser('ada'));
      const issue = ada.file({ title: 'Too slow', labels: ['for-shipmate'] });
      identifiers.push(`${owner}/web#${issue.number}`);
      ada.say(issue, 'Please');
    }
  });
  afterAll(() => github?.close());

  const open = (): Tracker => {
    const { id, privateKey, webhookSecret } = github.apps.app;
    const keys = { apiUrl: github.apiUrl, appId: String(id), privateKey, token: null, webhookSecrets: [webhookSecret] };
    return openGitHubIssues({
      label: 'for-shipmate',
      repositories: ['Acme/web', 'other/web'],
      github: { agent: 'shipmate', ...keys, pollSeconds: null },
    });
  };
  async function listed(tracker: Tracker, query: Parameters<Tracker['listTickets']>[0]) {
    const found: string[] = [];
    const passedOver = new Set<string | undefined>();
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page: TicketPage = await tracker.listTickets(query, cursor, never);
      found.push(...page.tickets.map(({ identifier }) => identifier));
      for (const { code, account } of page.passedOver ?? []) passedOver.add(`${code} ${account}`);
      cursor = page.next;
    }
    return [found, [...passedOver]];
  }

  test.each([
    ['suspends it', { suspendedAt: '2026-01-01T00:00:00Z' }],
    ['removes it', { isDeleted: true }],
  ])('and %s is passed over, is no reason to miss the others, and is back when that is told', async (_, change) => {
    const queries = [{ assignee: 'agent' }, { spokenSince: '2026-01-01T00:00:00Z' }] as const;
    const [ours, fresh] = [open(), open()];
    for (const query of queries) expect(await listed(ours, query)).toEqual([identifiers, []]);
    Object.assign(acme, change);
    for (const tracker of [ours, fresh])
      for (const query of queries)
        expect(await listed(tracker, query)).toEqual([identifiers.slice(1), ['disconnected acme']]);
    const hint = (await ours.listTickets(queries[0], null, never)).tickets[0];
    expect(hint).toMatchObject({ account: 'other' });

    Object.assign(acme, { suspendedAt: null, isDeleted: false });
    const body = Buffer.from('{}');
    for (const tracker of [ours, fresh]) {
      expect(tracker.verifyDelivery(github.outbox.sign('installation', body), body)).toMatchObject({ isBroad: true });
      for (const query of queries) expect(await listed(tracker, query)).toEqual([identifiers, []]);
    }
    github.expectClean();
  });
});
