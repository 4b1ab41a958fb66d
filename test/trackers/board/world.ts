import type { PoolClient } from 'pg';
import { describeActivity } from '../../../src/core/activity.ts';
import type { Person } from '../../../src/core/ticket.ts';
import { type BoardDelivery, signDelivery } from '../../../src/trackers/board/delivery.ts';
import { type BoardDesk, createBoardDesk } from '../../../src/trackers/board/desk.ts';
import { categoryOf, stateNamed, stateOf } from '../../../src/trackers/board/states.ts';
import { createBoardTracker } from '../../../src/trackers/board/tracker.ts';
import type { Tracker } from '../../../src/trackers/tracker.ts';
import type { SentDelivery, TrackerWorld } from '../../contracts/tracker-world.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

export const agent = 'shipmate';
export const secret = 'a secret of the test';
export const ada: Person = { id: 'ada', name: 'ada', isBot: false };
export const ci: Person = { id: 'ci', name: 'ci', isBot: true };

export interface Board {
  database: TestDatabase;
  tracker: Tracker;
  desk: BoardDesk;
  /** What was delivered, oldest first. */
  deliveries: BoardDelivery[];
  /** Instead of just noting the delivery; null again: just note it. */
  onAccept(work: ((tx: PoolClient, delivery: BoardDelivery) => Promise<void>) | null): void;
}

export async function openBoard(): Promise<Board> {
  const database = await createTestDatabase();
  const { pool } = database;
  const deliveries: BoardDelivery[] = [];
  let work: ((tx: PoolClient, delivery: BoardDelivery) => Promise<void>) | null = null;
  return {
    database,
    tracker: createBoardTracker({ pool, agent, secret }),
    desk: createBoardDesk({
      pool,
      agent,
      secret,
      async accept(tx, delivery) {
        deliveries.push(delivery);
        await work?.(tx, delivery);
      },
    }),
    deliveries,
    onAccept(next) {
      work = next;
    },
  };
}

/** The board for the contract suite. */
export async function openBoardWorld(): Promise<TrackerWorld> {
  const { database, tracker, desk, deliveries } = await openBoard();

  /** The delivery that an act caused, even where others act at the same time. */
  async function deliveredBy(ticketId: string, act: Promise<unknown>): Promise<SentDelivery> {
    await act;
    const about = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString()).ticket.number === Number(ticketId);
    const found = deliveries.findLast((delivery) => about(delivery.body));
    if (!found) throw new Error(`nothing was delivered about ${ticketId}`);
    return found;
  }

  return {
    tracker,
    pageSize: 50,
    teams: [],
    unknownTicket: {
      tracker: 'board',
      id: '999999',
      identifier: 'BOARD-999999',
      title: '',
      url: '',
      priority: 'none',
      team: null,
      project: null,
      ref: { number: 999999 },
    },
    signatureHeader: 'board-signature',
    person: {
      createTicket: ({ team, project, ...draft }) =>
        desk.createTicket({ ...draft, fields: { ...(team && { team }), ...(project && { project }) } }, ada),
      give: (id) => deliveredBy(id, desk.assign(id, agent, ada)),
      giveAway: async (id) => void (await desk.assign(id, 'grace', ada)),
      take: (id) => deliveredBy(id, desk.unassign(id, ada)),
      say: (id, body) => deliveredBy(id, desk.comment(id, body, ada)),
      move: (id, to) => deliveredBy(id, desk.move(id, stateOf(to), ada)),
      attach: (id, name, content) => deliveredBy(id, desk.attach(id, name, content, ada)),
    },
    // As if the board did not mark the agent's account as a bot's: trackers know it as anybody's.
    agentSays: (id, body) => deliveredBy(id, desk.comment(id, body, { id: agent, name: agent, isBot: false })),
    botSays: (id, body) => deliveredBy(id, desk.comment(id, body, ci)),
    agentGives: (id) => deliveredBy(id, desk.assign(id, agent, { id: agent, name: agent, isBot: false })),
    botGives: (id) => deliveredBy(id, desk.assign(id, agent, ci)),
    botMoves: (id, to) => deliveredBy(id, desk.move(id, stateOf(to), ci)),
    oddDeliveries: () =>
      [{ event: 'ticket.exploded' }, { event: 'comment.created', ticket: 'none' }, { event: null }, {}].map(
        (content, index) => signDelivery(secret, { id: `odd-${index}`, ...content } as never),
      ),
    outside: {
      async activities(id) {
        return (await desk.show(id)).activities.map(({ activity }) => describeActivity(activity));
      },
      async state(id) {
        const { rows } = await database.pool.query('select state from board_tickets where number = $1', [id]);
        return categoryOf(stateNamed(rows[0].state));
      },
      async plan(id) {
        return (await desk.show(id)).plan;
      },
      async links(id) {
        return (await desk.show(id)).attachments.map(({ url }) => url);
      },
      async attachments(id) {
        return (await desk.show(id)).attachments;
      },
    },
    close: () => database.drop(),
  };
}
