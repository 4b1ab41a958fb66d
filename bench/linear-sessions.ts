import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { median, ms, type Row, tail } from './figures.ts';
import type { Given } from './linear-process.ts';
import { type LinearWorld, startLinearWorld } from './linear-world.ts';
import { type BenchService, startBenchService, until } from './service.ts';

const atOnce = 10;
const rounds = 3;
const issues = 100;
// As many as bench/turns.ts has, and for the same reason.
const turns = 24;

const plan = (n: number) => `{ tool: update_plan, input: { steps: [{ content: Look ${n}, status: inProgress }] } }`;
const script = `  Take turns:
${Array.from({ length: turns }, (_, n) => `    - calls: [${plan(n)}]\n`).join('')}    - calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: Nothing is to be done. } }]
  Think:
    - { delay: 3600000, calls: [{ tool: note, input: { text: Never } }] }
`;

/** From the moment at which somebody gives an issue to the agent, to what Linear, and the model, is told first. */
export async function benchLinearSessions(): Promise<Row[]> {
  const world = await startLinearWorld();
  // Those of the rounds, the one that warms up, and one that takes turns before: then all slots are busy.
  const slots = rounds * atOnce + 1;
  const service = await startBenchService({ slots, script, env: world.env });
  try {
    const give = (title: string, count: number) => world.give({ title, count, to: `${service.url}/webhooks/linear` });
    const gaps = await overheads(service, (await give('Take turns', 1))[0] as Given);
    const shown: number[] = [];
    const asked: number[] = [];
    const begun = async (given: Given[]) => {
      await until(() => given.every(({ identifier }) => service.firstRequestAt(identifier) !== null), 5);
      for (const { identifier, at } of given)
        asked.push(performance.timeOrigin + (service.firstRequestAt(identifier) ?? Number.NaN) - at);
    };
    await begun(await give('Think', 1));
    asked.length = 0;
    for (let round = 0; round < rounds; round++) {
      await quiet();
      const given = await give('Think', atOnce);
      shown.push(...(await firstHeard(world, given)));
      await begun(given);
    }
    await quiet();
    const busy = await firstHeard(world, await give('Think', atOnce));
    return [
      { figure: `Linear: issue given to first activity there, ${atOnce} at once`, goal: '50 ms', value: tail(shown) },
      { figure: 'Linear: the same with every agent slot busy', goal: 'under 1 s', value: tail(busy) },
      {
        figure: `Linear: first model request after an issue was given, ${atOnce} at once`,
        goal: '300 ms',
        value: tail(asked),
      },
      { figure: 'Linear: overhead per turn (a tool that only answers)', goal: '10 ms', value: ms(median(gaps)) },
      {
        figure: `Linear: ${issues} issues given at once, until all webhooks are sorted`,
        goal: '1 s',
        value: ms(await sortMany(service, world)),
      },
    ];
  } finally {
    await service.stop();
    world.stop();
  }
}

/** What the last ones left under way is not what is measured. */
function quiet(): Promise<void> {
  return delay(1500);
}

async function firstHeard(world: LinearWorld, given: Given[]): Promise<number[]> {
  let first: Record<string, number> = {};
  await until(async () => {
    first = await world.firstActivities();
    return given.every(({ session }) => first[session] !== undefined);
  }, 50);
  return given.map(({ session, at }) => (first[session] ?? Number.NaN) - at);
}

/** From the last byte of a reply to the first of the next request. */
async function overheads(service: BenchService, { identifier }: Given): Promise<number[]> {
  const asked = () => service.requests.filter(({ body }) => body.includes(`Your ticket is ${identifier}:`));
  await until(() => asked().length > turns, 100);
  const requests = asked();
  const found: number[] = [];
  for (const [index, { endedAt }] of requests.entries()) {
    const next = requests[index + 1];
    if (next) found.push(next.at - (await endedAt));
  }
  return found.slice(8);
}

/** Three webhooks each: the issue, its delegation, its agent session. */
async function sortMany(service: BenchService, world: LinearWorld): Promise<number> {
  const sorted = async () => {
    const found = await sql<{ n: number; open: number }>`
      select count(*) filter (where source = 'linear')::int as n, count(*) filter (where sorted_at is null)::int as open
      from deliveries`.execute(service.app.db);
    return found.rows[0] ?? { n: 0, open: 1 };
  };
  const before = (await sorted()).n;
  const start = performance.now();
  await world.give({ title: 'Think', count: issues, to: `${service.url}/webhooks/linear` });
  await until(async () => {
    const { n, open } = await sorted();
    return open === 0 && n - before >= 3 * issues;
  }, 5);
  return performance.now() - start;
}
