import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sql } from 'kysely';
import type { Row } from './figures.ts';
import { startBenchService, until } from './service.ts';

const waiting = 100;
const working = 10;

const script = `  Wait for an answer:
    - calls: [{ tool: ask, input: { question: Which one? } }]
  Work for long:
    - calls: [{ tool: read, input: { path: package.json } }, { tool: bash, input: { command: "true" } }]
    - { delay: 600000, calls: [{ tool: note, input: { text: Never } }] }
`;

/** What a session adds to the process. Tool servers and sandboxed commands have processes of their own, which end with them. */
export async function benchMemory(): Promise<Row[]> {
  const service = await startBenchService({ slots: 2 * working, script });
  const { db } = service.app;
  const inState = async (state: string) => {
    const found = await sql<{ n: number }>`select count(*)::int as n from sessions where state = ${state}`.execute(db);
    return found.rows[0]?.n ?? 0;
  };
  try {
    // The first ones pay for what all share: code, connections, buffers.
    await service.assign(working, 'Wait for an answer');
    await until(async () => (await inState('awaitingInput')) === working);
    const before = await settledMemory();
    const tickets = await service.assign(working, 'Work for long');
    const asked = (ticket: string) =>
      service.requests.filter(({ body }) => body.includes(`Your ticket is ${ticket}:`)).length;
    await until(() => tickets.every(({ identifier }) => asked(identifier) === 2));
    const whenSomeWork = await settledMemory();
    await service.assign(waiting, 'Wait for an answer');
    await until(async () => (await inState('awaitingInput')) === working + waiting);
    const whenAllWait = await settledMemory();
    const stored = await sql<{ bytes: number }>`
      select sum(pg_total_relation_size(oid))::bigint / (select count(*) from sessions) as bytes from pg_class
      where relname in ('sessions', 'tickets', 'conversations', 'runs', 'steps', 'effects', 'activities', 'usage')`.execute(
      db,
    );
    return [
      {
        figure: `memory of a session that waits (of ${waiting})`,
        goal: 'rows, under 3 MB',
        value: `${growth(whenSomeWork, whenAllWait, waiting)}; ${((stored.rows[0]?.bytes ?? 0) / 1000).toFixed(0)} kB of rows`,
      },
      {
        figure: `memory of a session at work (of ${working})`,
        goal: 'under 20 MB',
        value: growth(before, whenSomeWork, working),
      },
    ];
  } finally {
    await service.stop();
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Memory {
  resident: number;
  /** Of it, what JavaScript holds on to. */
  live: number;
}

/** What the process holds when nothing is left to be freed. */
async function settledMemory(): Promise<Memory> {
  for (let round = 0; round < 5; round++) {
    await delay(500);
    collectGarbage();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, live: heapUsed + external };
}

/** The larger of both: a process that has just freed something grows into that first. */
function growth(before: Memory, after: Memory, sessions: number): string {
  const bytes = Math.max(after.resident - before.resident, after.live - before.live);
  return `${(bytes / sessions / 1e6).toFixed(2)} MB`;
}
