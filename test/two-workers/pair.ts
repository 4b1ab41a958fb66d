import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { expect } from 'vitest';
import { type Tally, tally } from '../chaos/count.ts';
import type { WorldClient } from '../stand-ins/world/client.ts';

const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
/**
 * Long enough on its way that a worker can be caught in the middle of several. A model that is told that its change was undone
 * makes it again; a script has to have it more than once.
 */
const write = '{ tool: write, input: { path: two.txt, content: "two\\n" } }';
const finish = '  - calls: [{ tool: finish, input: { title: Add a second file, summary: It was missing. } }]\n';
const script = `replies:
  - calls: [${write}, { tool: bash, input: { command: sleep 2 } }]
  - calls: [{ tool: note, input: { text: Half of it is there. } }, { tool: bash, input: { command: sleep 0.4 } }]
${finish}${`  - calls: [${write}]\n${finish}`.repeat(5)}`;
const tickets = 20;

/** A repository, a script and twenty tickets that two workers share; what the database says of who holds what. */
export async function prepareWork(dir: string, world: WorldClient) {
  const repository = await world.repository('project', files);
  await writeFile(join(dir, 'script.yaml'), script);
  await writeFile(join(dir, 'shipmate.yaml'), 'sandbox: { driver: none }\n');
  return {
    repositories: [repository],
    model: `scripted:${join(dir, 'script.yaml')}`,
    configFile: join(dir, 'shipmate.yaml'),
    slots: 4,
  };
}

export async function assignAll(world: WorldClient): Promise<{ tickets: string[]; deliveries: string[] }> {
  const given = { tickets: [] as string[], deliveries: [] as string[] };
  for (let number = 1; number <= tickets; number++) {
    const { ticket, delivery } = await world.create({ title: `Add file ${number}`, assignee: 'shipmate' });
    given.tickets.push(ticket.identifier);
    given.deliveries.push(delivery?.headers['board-delivery'] ?? '');
  }
  return given;
}

/** By worker: the runs that it holds and makes a tool call in; between calls a run has no step begun for a moment. */
export async function held(database: pg.Pool): Promise<Map<string, string[]>> {
  const { rows } = await database.query<{ worker: string; ids: string[] }>(
    `select worker, array_agg(id::text) as ids from runs
     where ended_at is null and worker is not null and exists (select 1 from steps where run_id = runs.id and kind = 'tool' and completed_at is null)
     group by worker`,
  );
  return new Map(rows.map(({ worker, ids }) => [worker, ids]));
}

/** Resolves once no run of these is that worker's any more. */
export async function untilTakenOver(database: pg.Pool, worker: string, runs: string[]): Promise<void> {
  await expect
    .poll(
      async () => {
        const { rows } = await database.query(
          'select 1 from runs where worker = $1 and id = any($2) and ended_at is null',
          [worker, runs],
        );
        return rows.length;
      },
      { timeout: 150_000, interval: 200 },
    )
    .toBe(0);
}

/** Each ticket has come to its end once, and stays so. */
export async function expectAllOnce(
  database: pg.Pool,
  world: WorldClient,
  given: { tickets: string[]; deliveries: string[] },
): Promise<void> {
  const whole: Tally = { lost: [], duplicate: [], stuck: [], finished: given.tickets.length };
  await expect
    .poll(async () => (await tally(world, database, given)).finished, { timeout: 200_000, interval: 500 })
    .toBe(given.tickets.length);
  expect(await tally(world, database, given)).toEqual(whole);
}
