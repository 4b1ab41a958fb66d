import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import type { Activity } from '../../src/core/activity.ts';
import { spawnService, spawnWorld } from '../stand-ins/world/start.ts';
import { createTestDatabase } from '../support/database.ts';

const tickets = 30;
const waitMs = 6_000;
/** What had left when the first was told to wait is answered the same; on a busy machine that takes its time. */
const underWayMs = 2_000;

test('told to wait in a burst, two processes send nothing until then; then all arrives, once and in order', {
  timeout: 170_000,
}, async ({ expect }) => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-rate-limits-'));
  const database = await createTestDatabase();
  const { started, world } = await spawnWorld({ dir });
  const start = () =>
    spawnService({
      worldUrl: world.url,
      databaseUrl: database.url,
      dataDir: join(dir, 'data'),
      model: 'scripted:none',
      repositories: [],
      parts: ['web'],
    });
  const services = await Promise.all([start(), start()]);
  try {
    await world.webhooks(services.map(({ url }) => `${url}/webhooks/board`));
    await world.faults([{ nth: 10, action: { type: 'rateLimit', seconds: waitMs / 1000 } }]);
    const given = Array.from({ length: tickets }, (_, at) => world.create({ title: `${at}`, assignee: 'shipmate' }));
    const queued = async () => (await database.pool.query('select from runs')).rowCount;
    const told = await Promise.all(given);
    await expect.poll(queued, { timeout: 60_000 }).toBe(tickets);
    await Promise.all(told.map(({ ticket }) => world.comment(ticket.id, 'stop')));
    const closed = async () =>
      Object.values(await world.counts()).filter(({ activities }) => activities.response === 1);
    await expect.poll(async () => (await closed()).length, { timeout: 90_000 }).toBe(tickets);

    const requests = await world.requests();
    const limited = requests.find(({ status }) => status === 429)?.at ?? Number.NaN;
    const tooEarly = requests.filter(({ at }) => at > limited + underWayMs && at < limited + waitMs);
    expect(tooEarly).toEqual([]);
    expect(requests.filter(({ at }) => at >= limited + waitMs).length).toBeGreaterThanOrEqual(tickets);
    for (const counts of Object.values(await world.counts()))
      expect(counts).toMatchObject({ activities: { response: 1 }, stateChanges: [], duplicates: [] });
    const order = new Map<string | null, string[]>();
    for (const { ticket, call, content } of await world.writes())
      if (call === 'postActivity') order.set(ticket, [...(order.get(ticket) ?? []), (content as Activity).type]);
    // That it begins is said before the stop, or not at all.
    for (const [ticket, types] of order)
      expect([['thought', 'response'], ['response']], `${ticket}: ${types}`).toContainEqual(types);
    const logged = services.flatMap((service) => service.log().match(/a vendor asked us to wait/g) ?? []);
    expect(logged).toHaveLength(1);
    const { rows } = await database.pool.query('select max(tries) as tries from effects');
    expect(rows).toEqual([{ tries: 1 }]);
  } finally {
    for (const service of services) service.kill('SIGTERM');
    await Promise.all(services.map((service) => service.ended));
    started.kill();
    await started.ended;
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  }
});
