import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { signDelivery } from '../src/trackers/board/delivery.ts';
import { type Row, spread } from './figures.ts';
import { type BenchService, someone, startBenchService, until, webhookSecret } from './service.ts';

const atOnce = 10;
const rounds = 3;
const deliveries = 100;
/** A model that thinks for longer than anything here takes. */
const slowModel = 'replies:\n  - { delay: 600000, calls: [{ tool: note, input: { text: Never } }] }\n';

/** From the commit of an assignment to what people see first, and to what the model is asked first. */
export async function benchAssignment(): Promise<Row[]> {
  const shown: number[] = [];
  const asked: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const service = await startBenchService({ slots: atOnce, script: slowModel });
    try {
      await quiet();
      const measured = await assign(service);
      shown.push(...measured.shown);
      await until(() => measured.tickets.every(({ identifier }) => service.firstRequestAt(identifier) !== null), 5);
      for (const { identifier, committedAt } of measured.tickets)
        asked.push((service.firstRequestAt(identifier) ?? Number.NaN) - committedAt);
    } finally {
      await service.stop();
    }
  }
  return [
    { figure: `assignment to first activity, ${atOnce} at once`, goal: '50 ms', value: spread(shown) },
    { figure: `first model request after assignment, ${atOnce} at once`, goal: '300 ms', value: spread(asked) },
  ];
}

/** The same where no slot is free, and many webhook requests at once. */
export async function benchBusy(): Promise<Row[]> {
  const slots = 4;
  const service = await startBenchService({ slots, script: slowModel });
  try {
    const working = await service.assign(slots);
    await until(() => working.every(({ identifier }) => service.firstRequestAt(identifier) !== null));
    await quiet();
    const { shown } = await assign(service);
    return [
      { figure: 'the same with every agent slot busy', goal: 'under 1 s', value: spread(shown) },
      {
        figure: `${deliveries} deliveries at once, until all are sorted`,
        goal: '1 s',
        value: `${Math.round(await sortMany(service))} ms`,
      },
    ];
  } finally {
    await service.stop();
  }
}

/** What the start left under way is not what is measured. */
function quiet(): Promise<void> {
  return delay(1500);
}

async function assign(service: BenchService) {
  const shownAt = new Map<string, number>();
  // By a connection and a prepared statement of its own: looking must not slow down what it looks at.
  const { rows: last } = await service.database.query('select coalesce(max(seq), 0) as seq from board_activities');
  const look = until(async () => {
    // All each time: what commits later may have a smaller number.
    const text = 'select distinct ticket from board_activities where seq > $1';
    const { rows } = await service.database.query({ name: 'look', text, values: [last[0].seq] });
    for (const { ticket } of rows)
      if (!shownAt.has(`BOARD-${ticket}`)) shownAt.set(`BOARD-${ticket}`, performance.now());
    return shownAt.size >= atOnce;
  }, 4);
  const tickets = await service.assign(atOnce);
  await look;
  const shown = tickets.map(({ identifier, committedAt }) => (shownAt.get(identifier) ?? Number.NaN) - committedAt);
  return { tickets, shown };
}

/** Assigns tickets that are on the board already, as webhook requests over HTTP. */
async function sortMany(service: BenchService): Promise<number> {
  const tickets = [];
  for (let index = 0; index < deliveries; index++)
    tickets.push(await service.app.desk.createTicket({ title: `Work ${index}` }, someone));
  const unsorted = async () => {
    const found = await sql<{ n: number }>`select count(*)::int as n from deliveries where sorted_at is null`.execute(
      service.app.db,
    );
    return found.rows[0]?.n ?? Number.NaN;
  };
  await until(async () => (await unsorted()) === 0);
  await quiet();
  const agent = { id: 'shipmate', name: 'shipmate', isBot: true };
  const start = performance.now();
  await Promise.all(
    tickets.map(async ({ identifier, title }) => {
      const { headers, body } = signDelivery(webhookSecret, {
        id: `${identifier}/assigned`,
        event: 'ticket.assigned',
        actor: someone,
        ticket: { number: Number(identifier.slice('BOARD-'.length)), title, state: 'Todo', assignee: agent },
        previousAssignee: null,
      });
      const response = await fetch(`${service.url}/webhooks/board`, {
        method: 'POST',
        headers,
        body: Buffer.from(body),
      });
      if (!response.ok) throw new Error(`a delivery was answered ${response.status}`);
    }),
  );
  await until(async () => (await unsorted()) === 0, 5);
  return performance.now() - start;
}
