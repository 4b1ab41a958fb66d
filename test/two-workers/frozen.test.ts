import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorldClient } from '../stand-ins/world/client.ts';
import { type Started, spawnService, spawnWorld } from '../stand-ins/world/start.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assignAll, expectAllOnce, held, prepareWork, untilTakenOver } from './pair.ts';

let dir: string;
let database: TestDatabase;
let world: WorldClient;
const processes: Started[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shipmate-two-'));
  await chmod(dir, 0o755);
  database = await createTestDatabase();
  const spawned = await spawnWorld({ dir });
  processes.push(spawned.started);
  world = spawned.world;
});
afterAll(async () => {
  for (const each of processes.reverse()) {
    each.kill('SIGKILL');
    await each.ended;
  }
  await database?.drop();
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
});

test('two worker processes share twenty tickets; one is frozen, loses its runs, and wakes: each ticket ends once', {
  timeout: 400_000,
}, async () => {
  const work = await prepareWork(dir, world);
  const start = async (parts: ('web' | 'worker')[], name: string) => {
    const started = await spawnService({
      ...work,
      worldUrl: world.url,
      databaseUrl: database.url,
      dataDir: join(dir, name),
      parts,
    });
    processes.push(started);
    return started;
  };
  const web = await start(['web'], 'web');
  const workers = [await start(['worker'], 'worker-1'), await start(['worker'], 'worker-2')];
  await world.webhooks([`${web.url}/webhooks/board`]);
  const given = await assignAll(world);

  await expect
    .poll(
      async () => Math.min(...[...(await held(database.pool)).values(), []].slice(0, 2).map((runs) => runs.length)),
      {
        timeout: 60_000,
      },
    )
    .toBeGreaterThan(1);
  const [frozen] = workers;
  frozen?.kill('SIGSTOP');
  const before = [...(await held(database.pool))].find(([worker]) => worker.includes(`:${frozen?.pid}:`));
  expect(before?.[1].length).toBeGreaterThan(0);
  await untilTakenOver(database.pool, ...(before ?? ['', []]));
  frozen?.kill('SIGCONT');

  await expectAllOnce(database.pool, world, given);
  expect(frozen?.process.exitCode).toBeNull();
  // Whatever it had still in its hands when it woke is refused by the time it leaves, and shows nowhere.
  frozen?.kill('SIGTERM');
  expect(await frozen?.ended).toEqual({ code: 0, signal: null });
  await expectAllOnce(database.pool, world, given);
});
