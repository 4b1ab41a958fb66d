import { afterEach, beforeEach, expect, test } from 'vitest';
import { attend } from '../../src/core/attention.ts';
import { hintOf, type TicketHint } from '../../src/core/ticket.ts';
import { askToScope } from '../../src/flow.ts';
import { readAttention } from '../../src/store/attention.ts';
import type { DeliveryBody } from '../../src/trackers/board/delivery.ts';
import { createBoardDesk } from '../../src/trackers/board/desk.ts';
import { agent, type Intake, openIntake } from './intake.ts';

const ada = { id: 'ada', name: 'Ada', isBot: false };

let intake: Intake;
/** What the board told, and nobody has delivered yet. */
let told: DeliveryBody[];
beforeEach(async () => {
  intake = await openIntake();
  told = [];
});
afterEach(() => intake.close());

function desk() {
  return createBoardDesk({
    pool: intake.pool,
    agent,
    secret: 'not looked at here',
    accept: async (_tx, { body }) => void told.push(JSON.parse(Buffer.from(body).toString('utf8'))),
  });
}

async function file(): Promise<TicketHint> {
  return hintOf(await desk().createTicket({ title: 'A ticket' }, ada));
}

async function standing(sessionId: string) {
  const { registers, unread, run } = await readAttention(intake.db, sessionId);
  const { rows } = await intake.pool.query(
    `select s.state, (select array_agg(operation ->> 'kind' order by seq) from effects where session_id = s.id) as effects
     from sessions s where s.id = $1`,
    [sessionId],
  );
  return { todo: attend(registers, unread), run: run?.purpose ?? null, ...rows[0] };
}

test('asked for twice, it is one run; no event on the ticket gives or ends it, and nothing is said there', async () => {
  const ticket = await file();
  const [first, second] = await Promise.all([
    askToScope(intake.deps, ticket, false),
    askToScope(intake.deps, ticket, false),
  ]);
  expect(first).toEqual({ sessionId: second.sessionId, isGiven: false });
  await desk().comment(ticket.identifier, 'Look at this', ada);
  await desk().comment(ticket.identifier, 'stop', ada);
  await desk().editTicket(ticket.identifier, { description: 'More of it' }, ada);
  await intake.acceptAll(told);
  await intake.sort();
  expect(await standing(first.sessionId)).toEqual({ todo: 'scope', run: 'scope', state: 'active', effects: null });
});

test.for([
  ['before it is asked for', 0],
  ['after it is asked for, though it happened before', 1],
] as const)('given %s: it is the work that is done', async ([, late]) => {
  const ticket = await file();
  await desk().assign(ticket.identifier, agent, ada);
  const deliver = async () => {
    await intake.acceptAll(told.splice(0));
    await intake.sort();
  };
  if (late === 0) await deliver();
  const { sessionId, isGiven } = await askToScope(intake.deps, ticket, false);
  expect(isGiven).toBe(late === 0);
  await deliver();
  await deliver();
  const now = await standing(sessionId);
  expect(now.todo).toBe('work');
  expect(now.run, 'what was begun goes on to its end, and work follows').toBe(late === 0 ? 'work' : 'scope');
  expect(now.effects?.[0], 'it is answered at once').toBe('postActivity');
  const { rows } = await intake.pool.query('select priority from runs');
  expect(rows, 'no longer behind all other work').toEqual([{ priority: 4 }]);
});

test('what was told of the ticket before is not lost', async () => {
  const ticket = await file();
  await desk().comment(ticket.identifier, 'Said before anybody asked', ada);
  await intake.acceptAll(told);
  await intake.sort();
  const { sessionId } = await askToScope(intake.deps, ticket, false);
  const { rows } = await intake.pool.query(
    'select body, (select count(*)::int from deliveries where ticket is not null) as waiting from prompts where session_id = $1',
    [sessionId],
  );
  expect(rows).toEqual([{ body: 'Said before anybody asked', waiting: 0 }]);
});
