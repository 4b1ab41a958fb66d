import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, createApp } from '../../src/app.ts';
import { createLog } from '../../src/lib/log.ts';
import { signDelivery } from '../../src/trackers/board/delivery.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const secret = 'a secret that both instances know';
const starts = 200;

let service: TestService;
let other: App;
let urls: (string | null)[];
beforeAll(async () => {
  service = await startTestService({ parts: ['listen'], files: {}, env: { BOARD_WEBHOOK_SECRET: secret } });
  const { config } = service;
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });
  other = await createApp({ ...config, dataDir: `${config.dataDir}-other`, databaseUrl: service.database.url }, log);
  urls = [service.url, await other.startWeb(true)];
});
afterAll(async () => {
  await other?.stop();
  await service?.stop();
});

test(`${starts} starts of one ticket, at two instances at once, give one session and one live run`, async () => {
  const agent = { id: service.config.trackers.board.agent, name: 'shipmate', isBot: true };
  const ticket = { number: 1, title: 'Is given', state: 'Todo' as const, assignee: agent };
  const statuses = await Promise.all(
    Array.from({ length: starts }, async (_, index) => {
      const at = new Date(Date.UTC(2026, 0, 1) + (index % 50)).toISOString();
      const { headers, body } = signDelivery(secret, {
        id: `start/${index}`,
        event: 'ticket.assigned',
        at,
        actor: someone,
        ticket,
      });
      const url = `${urls[index % 2]}/webhooks/board`;
      return (await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })).status;
    }),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
  const count = async (of: string) =>
    (await service.database.pool.query(`select count(*)::int as n from ${of}`)).rows[0].n;
  await expect.poll(() => count('deliveries where sorted_at is null'), { timeout: 60_000 }).toBe(0);
  expect(await count("deliveries where outcome = 'sessionCreated'")).toBe(starts);
  expect([await count('sessions'), await count('runs'), await count('runs where ended_at is null')]).toEqual([1, 1, 1]);
  expect(await count("activities where activity ->> 'body' like 'On it%'")).toBe(1);
}, 120_000);
