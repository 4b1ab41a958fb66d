import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { StateCategory } from '../../../src/core/ticket.ts';
import { deterministicId } from '../../../src/lib/ids.ts';
import type { DeliveryBody } from '../../../src/trackers/board/delivery.ts';
import { type BoardState, boardStates, categoryOf, stateOf } from '../../../src/trackers/board/states.ts';
import { hintOf } from '../../../src/trackers/board/tickets.ts';
import { sendOne } from '../../../src/trackers/tracker.ts';
import { ada, agent, type Board, openBoard } from './world.ts';

const cases = 300;
const never = new AbortController().signal;

/** What each of the agent's moves may take a ticket from; so a state says which of them changed it. */
const ours: Record<'started' | 'review', StateCategory[]> = { started: ['backlog', 'unstarted'], review: ['started'] };

type Act =
  | { by: 'person'; do: 'move'; to: BoardState }
  | { by: 'person'; do: 'assign'; to: string }
  | { by: 'person'; do: 'edit'; title: string }
  | { by: 'agent'; to: 'started' | 'review' };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    by: fc.constant('person' as const),
    do: fc.constant('move' as const),
    to: fc.constantFrom(...boardStates.map(({ name }) => name)),
  }),
  fc.record({
    by: fc.constant('person' as const),
    do: fc.constant('assign' as const),
    to: fc.constantFrom('bob', agent, 'eve'),
  }),
  fc.record({
    by: fc.constant('person' as const),
    do: fc.constant('edit' as const),
    title: fc.constantFrom('One', 'Two', 'Three'),
  }),
  fc.record({ by: fc.constant('agent' as const), to: fc.constantFrom('started' as const, 'review' as const) }),
);

let board: Board;
beforeAll(async () => {
  board = await openBoard();
});
afterAll(() => board.database.drop());

test('what people change at the same time as the agent is never overwritten', async ({ expect }) => {
  let made = 0;
  let moved = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 2, maxLength: 12 }), async (acts) => {
      const { identifier } = await board.desk.createTicket({ title: `Case ${made++}` }, ada);
      const number = Number(identifier.slice('BOARD-'.length));
      const results = await Promise.all(acts.map((each, index) => carryOut(identifier, number, each, index)));

      const told = new Map<number, DeliveryBody['ticket']>();
      for (const { body } of board.deliveries) {
        const delivery = JSON.parse(Buffer.from(body).toString()) as DeliveryBody;
        if (delivery.ticket.number === number) told.set(Number(delivery.id.split('/')[1]), delivery.ticket);
      }
      const { rows } = await board.database.pool.query(
        'select state, title, assignee, version from board_tickets where number = $1',
        [number],
      );
      // Each version that nobody was told of is a move of ours, and says what it was made from.
      let state: BoardState = 'Todo';
      let changes = 0;
      for (let version = 2; version <= rows[0].version; version++) {
        const change = told.get(version);
        if (change) {
          state = change.state;
          continue;
        }
        const to = (['started', 'review'] as const).find((name) => ours[name].includes(categoryOf(state)));
        expect(to, `version ${version} was made from "${state}", which no move of ours starts from`).toBeDefined();
        state = stateOf(to ?? 'started');
        changes += 1;
      }
      const last = [...told].sort(([a], [b]) => b - a)[0]?.[1];
      expect(rows[0]).toMatchObject({ state, title: last?.title, assignee: last?.assignee ?? null });
      const claimed = results.filter((result) => result !== null && 'state' in result).length;
      expect(claimed).toBeGreaterThanOrEqual(changes);
      moved += changes;
    }),
    { numRuns: cases },
  );
  console.log(`${cases} cases; the agent moved a ticket ${moved} times`);
  expect(moved).toBeGreaterThan(cases / 4);
});

async function carryOut(
  identifier: string,
  number: number,
  each: Act,
  index: number,
): Promise<Record<string, unknown> | null> {
  if (each.by === 'agent') {
    const operation: TicketOperation = {
      kind: 'moveTicket',
      id: deterministicId(identifier, index),
      to: each.to,
      from: ours[each.to],
    };
    return sendOne(board.tracker, hintOf({ number, title: '', priority: 'none', fields: {} }), operation, never);
  }
  if (each.do === 'move') await board.desk.move(identifier, each.to, ada);
  else if (each.do === 'assign') await board.desk.assign(identifier, each.to, ada);
  else await board.desk.editTicket(identifier, { title: each.title }, ada);
  return null;
}
