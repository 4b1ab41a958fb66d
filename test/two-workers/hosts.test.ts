import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { spawnService, spawnWorld } from '../stand-ins/world/start.ts';
import { createTestDatabase } from '../support/database.ts';
import { createHost, type Host, offer, whyNoHosts } from './hosts.ts';
import { assignAll, expectAllOnce, held, prepareWork, untilTakenOver } from './pair.ts';

const reason = await whyNoHosts();
const stops: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

test.skipIf(reason !== null)(
  `two hosts, one cut off in the middle: the other takes over, and the cut one comes back to find nothing of it its own${reason === null ? '' : ` (skipped: ${reason})`}`,
  { timeout: 500_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'shipmate-hosts-'));
    stops.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
    await chmod(dir, 0o755);
    const database = await createTestDatabase();
    stops.push(database.drop);
    const { started, world } = await spawnWorld({ dir });
    stops.push(async () => {
      started.kill();
      await started.ended;
    });
    const work = await prepareWork(dir, world);
    const at = new URL(database.url);
    const socket = join(at.searchParams.get('host') ?? '', `.s.PGSQL.${at.searchParams.get('port')}`);

    const web = await spawnService({
      ...work,
      worldUrl: world.url,
      databaseUrl: database.url,
      dataDir: join(dir, 'web'),
      parts: ['web'],
    });
    stops.push(async () => {
      web.kill();
      await web.ended;
    });
    const startWorker = async (host: Host, name: string) => {
      const toDatabase = await offer(host.gateway, { path: socket });
      stops.push(toDatabase.close);
      const toWorld = await offer(host.gateway, { port: Number(new URL(world.url).port) });
      stops.push(toWorld.close);
      const worker = await host.spawn({
        ...work,
        worldUrl: `http://${host.gateway}:${toWorld.port}`,
        databaseUrl: `postgresql://${at.username}:${at.password}@${host.gateway}:${toDatabase.port}${at.pathname}`,
        dataDir: join(dir, name),
        parts: ['worker'],
      });
      stops.push(async () => {
        worker.kill('SIGKILL');
        await worker.ended;
      });
      return worker;
    };
    const hosts: Host[] = [];
    for (const number of [1, 2]) {
      const host = await createHost(number);
      stops.push(host.remove);
      hosts.push(host);
    }
    const [cut, other] = hosts as [Host, Host];
    const lonely = await startWorker(cut, 'host-1');
    await startWorker(other, 'host-2');
    await world.webhooks([`${web.url}/webhooks/board`]);
    const given = await assignAll(world);

    const runsOf = async (number: number) =>
      [...(await held(database.pool))].find(([worker]) => worker.includes(`shipmate-${process.pid}-${number}/`));
    await expect
      .poll(async () => [(await runsOf(1))?.[1].length ?? 0, (await runsOf(2))?.[1].length ?? 0].sort()[0], {
        timeout: 60_000,
      })
      .toBeGreaterThan(1);
    await cut.cut();
    const before = await runsOf(1);
    expect(before?.[1].length).toBeGreaterThan(0);
    await untilTakenOver(database.pool, ...(before ?? ['', []]));
    await cut.mend();
    await expectAllOnce(database.pool, world, given);
    lonely.kill('SIGTERM');
    expect(await lonely.ended).toEqual([0, null]);
    await expectAllOnce(database.pool, world, given);
  },
);
