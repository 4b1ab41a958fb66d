import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CodeHost } from '../../../src/code-hosts/code-host.ts';
import { acceptDelivery, askForMissed } from '../../../src/flow.ts';
import { createLog } from '../../../src/lib/log.ts';
import { createGitHubClient } from '../../../src/vendors/github/client.ts';
import { createRedelivery } from '../../../src/vendors/github/redeliver.ts';
import { verifyGitHubDelivery } from '../../../src/vendors/github/webhooks.ts';
import { type Somebody, somebody } from '../../stand-ins/github/people.ts';
import type { Issue, Repository } from '../../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const never = new AbortController().signal;
const secret = 'github-webhook-secret';

describe('webhooks that did not arrive', () => {
  let github: GitHub;
  let database: TestDatabase;
  let receiver: Server;
  let repository: Repository;
  let ada: Somebody;
  let issue: Issue;
  let isUp = true;

  beforeAll(async () => {
    [github, database] = await Promise.all([startGitHub(), createTestDatabase()]);
    const accepting = {
      sources: new Map([
        [
          'github',
          {
            verifyDelivery: (headers: Record<string, string>, body: Uint8Array) => ({
              deliveryId: verifyGitHubDelivery([secret], headers, body),
            }),
          },
        ],
      ]),
      nudge: async () => {},
      failpoint: () => {},
    };
    receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      if (!isUp) return void response.writeHead(503).end();
      const headers = request.headers as Record<string, string>;
      await acceptDelivery(accepting, database.pool, 'github', headers, Buffer.concat(chunks));
      response.writeHead(200).end();
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    github.apps.app.webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks/github`;
    repository = await github.addRepository('acme/web');
    github.apps.install(repository.owner);
    ada = somebody(github, repository, 'ada');
    await ada.commit('feature', { 'a.txt': 'a\n' });
    issue = await ada.open({ title: 'A', head: 'feature', base: 'main' });
    await github.outbox.settled();
  });
  beforeEach(async () => {
    isUp = true;
    github.outbox.log.splice(0);
    await database.pool.query('truncate deliveries');
  });
  afterEach(() => github.expectClean());
  afterAll(async () => {
    receiver?.close();
    await github?.close();
    await database?.drop();
  });

  function process(): { sweep(): Promise<void>; told: string[] } {
    const told: string[] = [];
    const { id, privateKey } = github.apps.app;
    const redeliver = createRedelivery(
      createGitHubClient({ apiUrl: github.apiUrl, appId: String(id), privateKey, token: null }),
    );
    const codeHosts = new Map([['github', { webhooks: { redeliver } } as unknown as CodeHost]]);
    const silent = createLog({ level: 'silent', format: 'json', secrets: [] });
    const log = {
      ...silent,
      info: (fields: { deliveries: string[] }) => void told.push(`asked ${fields.deliveries.length}`),
      warn: (fields: { deliveries: string[] }) => void told.push(`given up ${fields.deliveries.length}`),
    } as never;
    return {
      told,
      async sweep() {
        await askForMissed({ db: database.db, codeHosts, log }, never);
        await github.outbox.settled();
      },
    };
  }

  const stored = async () =>
    (await database.pool.query('select delivery_id from deliveries order by id')).rows.map((row) => row.delivery_id);
  const guids = () => [...new Set(github.outbox.log.map(({ guid }) => guid))];
  async function comments(count: number): Promise<void> {
    for (let n = 0; n < count; n++) ada.comment(issue.number, `Words ${n}`);
    await github.outbox.settled();
  }

  test('are sent again in their order, once each; those that came are left alone', async () => {
    const ours = process();
    await comments(2);
    isUp = false;
    await comments(3);
    isUp = true;
    expect(await stored()).toHaveLength(2);
    await ours.sweep();
    expect((await stored()).toSorted()).toEqual(guids().toSorted());
    const attempts = github.outbox.log.length;
    await ours.sweep();
    await process().sweep();
    expect([github.outbox.log.length, ours.told]).toEqual([attempts, ['asked 3']]);
  });

  test('that fail each time are given up, counted over processes that come and go, and told once', async () => {
    isUp = false;
    await comments(1);
    const [first, second] = [process(), process()];
    await first.sweep();
    await second.sweep();
    await first.sweep();
    for (let more = 0; more < 3; more++) await second.sweep();
    expect(github.outbox.log.map(({ isRedelivery }) => isRedelivery)).toEqual([false, true, true, true]);
    expect([first.told, second.told]).toEqual([
      ['asked 1', 'asked 1'],
      ['asked 1', 'given up 1'],
    ]);
  });

  test('are looked for beyond a page of the log at first, and later only in what is new', async () => {
    isUp = false;
    await comments(1);
    isUp = true;
    await comments(120);
    const ours = process();
    github.requests.splice(0);
    await ours.sweep();
    expect((await stored()).toSorted()).toEqual(guids().toSorted());
    const asked = () => github.requests.filter(({ operation }) => operation === 'apps/list-webhook-deliveries').length;
    expect(asked()).toBe(2);
    // As if all that had been long ago.
    for (const attempt of github.outbox.log)
      attempt.deliveredAt = new Date(Date.parse(attempt.deliveredAt) - 3_600_000).toISOString();
    await ours.sweep();
    expect(asked()).toBe(3);
  });

  test('of an App without a webhook there are none', async () => {
    github.faults.add({
      operation: 'apps/list-webhook-deliveries',
      action: { type: 'status', status: 404, commit: 'before', body: { message: 'Not Found' } },
    });
    const ours = process();
    await ours.sweep();
    expect(ours.told).toEqual([]);
    github.faults.clear();
  });
});
