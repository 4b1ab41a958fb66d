import { afterAll, beforeAll, expect, test } from 'vitest';
import { redriveDeliveries } from '../../src/store/dead-letters.ts';
import type { DeliveryBody } from '../../src/trackers/board/delivery.ts';
import { agent, type Intake, openIntake } from './intake.ts';

let intake: Intake;
beforeAll(async () => {
  intake = await openIntake();
});
afterAll(() => intake?.close());

const ours = { id: agent, name: agent, isBot: true };

function told(number: number, id: string, at: string, says: string | null): DeliveryBody {
  const ticket = { number, title: `Ticket ${number}`, state: 'Todo' as const, assignee: ours };
  const common = { id: `BOARD-${number}/${id}`, at, actor: { id: 'ada', name: 'Ada', isBot: false }, ticket };
  if (says === null) return { ...common, event: 'ticket.assigned', previousAssignee: null };
  return { ...common, event: 'comment.created', comment: { id, body: says, at } };
}

async function seen(number: number) {
  const { rows } = await intake.pool.query(
    `select s.state, (select array_agg(p.body order by p.said_at) from prompts p where p.session_id = s.id) as prompts,
       (select array_agg(a.activity ->> 'type' order by a.seq) from activities a where a.session_id = s.id) as shown
     from sessions s join tickets t on t.id = s.ticket_id where t.external_id = $1`,
    [String(number)],
  );
  return rows[0];
}

/** The fault of ours that a delivery meets. */
async function refuseRows(table: string, when: string): Promise<void> {
  await intake.pool.query(`create function refuse_${table}() returns trigger language plpgsql as
    $$ begin if ${when} then raise exception 'refused'; end if; return new; end $$`);
  await intake.pool.query(
    `create trigger refuse_${table} before insert on ${table} for each row execute function refuse_${table}()`,
  );
}

test('a delivery that cannot be taken in is told on its ticket, and holds up nothing', async () => {
  await refuseRows('prompts', "new.body = 'Hello?'");
  await intake.acceptAll([
    told(1, 'given', '2026-03-01T10:00:00Z', null),
    told(1, 'odd', '2026-03-01T10:01:00Z', 'Hello?'),
    told(1, 'fine', '2026-03-01T10:02:00Z', 'Please hurry.'),
  ]);
  await intake.sort();
  expect(await seen(1)).toEqual({
    state: 'active',
    prompts: ['Please hurry.'],
    shown: ['thought', 'error', 'thought'],
  });
});

test('an assignment that cannot be taken in takes what waits for it in when it is done again', async () => {
  const isSecond =
    "(select external_id from tickets t join sessions s on s.ticket_id = t.id where s.id = new.session_id) = '2'";
  await refuseRows('runs', isSecond);
  await intake.acceptAll([
    told(2, 'early', '2026-03-01T10:01:00Z', 'Before the assignment came.'),
    told(2, 'odd', '2026-03-01T10:02:00Z', 'Hello?'), // fails by itself, within what fails around it
    told(2, 'given', '2026-03-01T10:00:00Z', null),
  ]);
  await intake.sort();
  expect(await seen(2)).toBeUndefined();
  await intake.pool.query('drop trigger refuse_runs on runs');
  expect(await redriveDeliveries(intake.db)).toBeGreaterThan(0);
  await intake.sort();
  expect(await seen(2)).toMatchObject({ state: 'active', prompts: ['Before the assignment came.'] });
});
