import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { somebody } from '../stand-ins/github/people.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe('POST /webhooks/github', () => {
  let github: GitHub;
  let service: TestService;
  beforeAll(async () => {
    github = await startGitHub();
    const { id, privateKey, webhookSecret } = github.apps.app;
    service = await startTestService({
      parts: ['listen'],
      files: {},
      env: {
        GITHUB_API_URL: github.apiUrl,
        GITHUB_APP_ID: String(id),
        GITHUB_PRIVATE_KEY: privateKey,
        GITHUB_WEBHOOK_SECRET: `the-next-secret,${webhookSecret}`,
      },
    });
    github.apps.app.webhookUrl = `${service.url}/webhooks/github`;
  });
  afterAll(async () => {
    await service?.stop();
    await github?.close();
  });

  const rows = async (text: string) => (await service.database.pool.query(text)).rows;
  const stored = async () =>
    (await rows("select headers ->> 'x-github-event' as event from deliveries order by id")).map(({ event }) => event);
  const isDue = async () =>
    (await rows("select ran_at = 'epoch' as due from schedules where name = 'reconcile'"))[0]?.due;

  test('what owners let the App see makes a reconcile due; what happens there does not', async () => {
    const repository = await github.addRepository('acme/web');
    const installation = github.apps.install(repository.owner);
    const sender = repository.owner;
    await expect.poll(isDue).toBe(false);
    await somebody(github, repository, 'ada').commit('feature', { 'a.txt': 'a\n' });
    await github.outbox.settled();
    expect([await stored(), await isDue()]).toEqual([['push'], false]);
    for (const [event, action, payload] of [
      ['installation', 'created', { repositories: [] }],
      ['installation', 'suspend', { repositories: [] }],
      ['installation', 'unsuspend', { repositories: [] }],
      ['installation', 'new_permissions_accepted', { repositories: [] }],
      [
        'installation_repositories',
        'added',
        { repositories_added: [], repositories_removed: [], repository_selection: 'selected' },
      ],
      [
        'installation_repositories',
        'removed',
        { repositories_added: [], repositories_removed: [], repository_selection: 'selected' },
      ],
      ['installation', 'deleted', { repositories: [] }],
    ] as const) {
      await service.database.pool.query("update schedules set ran_at = now() where name = 'reconcile'");
      github.emit(event, action, { sender, installation, payload });
      await github.outbox.settled();
      expect([github.outbox.log.at(-1)?.statusCode, await isDue()], `${event} ${action}`).toEqual([200, true]);
    }
    expect(await stored()).toHaveLength(8);
    github.expectClean();
  });

  test('what is signed with another secret is refused, and only its time is kept', async () => {
    const before = await stored();
    const body = Buffer.from('{}');
    const { webhookSecret } = github.apps.app;
    github.apps.app.webhookSecret = 'of somebody else';
    const headers = github.outbox.sign('ping', body);
    github.apps.app.webhookSecret = webhookSecret;
    const answer = await fetch(`${service.url}/webhooks/github`, { method: 'POST', headers, body });
    expect([answer.status, await stored()]).toEqual([401, before]);
    await expect.poll(() => rows('select source from refused_webhooks')).toEqual([{ source: 'github' }]);
  });
});
