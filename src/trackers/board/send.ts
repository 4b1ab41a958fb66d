import { sql } from 'kysely';
import type { Pool } from 'pg';
import type { TicketOperation } from '../../core/effect.ts';
import type { TicketHint } from '../../core/ticket.ts';
import { type BoardDatabase, boardTransaction } from './database.ts';
import { type BoardState, categoryOf, stateOf } from './states.ts';
import { lockTicket, numberOf, type TicketRow } from './tickets.ts';

/**
 * Carries one operation out, once: what it did is kept under its id, in the same transaction and behind the ticket's lock,
 * so that a repetition, however late, changes nothing and gets the same answer.
 */
export async function sendOperation(
  pool: Pool,
  hint: TicketHint,
  operation: TicketOperation,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const number = numberOf(hint.id);
  if (operation.kind === 'postActivity') {
    signal.throwIfAborted();
    if (await postAtOnce(pool, number, operation)) return { id: operation.id };
  }
  if (operation.kind === 'moveTicket') {
    signal.throwIfAborted();
    const moved = await moveAtOnce(pool, number, operation);
    if (moved) return moved;
  }
  return boardTransaction(pool, async (db) => {
    const ticket = await lockTicket(db, number);
    const earlier = await db
      .selectFrom('board_operations')
      .select('result')
      .where('id', '=', operation.id)
      .executeTakeFirst();
    if (earlier) return earlier.result;
    const result = await carryOut(db, ticket, operation);
    await db
      .insertInto('board_operations')
      .values({ id: operation.id, ticket: number, result: JSON.stringify(result) })
      .execute();
    signal.throwIfAborted(); // the last moment: what follows is the commit
    return result;
  });
}

/**
 * What is sent most and what people wait for first, in one statement that does what the transaction would. false: nothing
 * was done, because it was sent before or there is no such ticket.
 */
async function postAtOnce(
  pool: Pool,
  number: number,
  { id, activity }: TicketOperation & { kind: 'postActivity' },
): Promise<boolean> {
  const posted = await pool.query(
    `with locked as (select number from board_tickets where number = $1 for no key update),
       sent as (
         insert into board_operations (id, ticket, result) select $2, number, $3 from locked
         on conflict (id) do nothing returning id, ticket
       )
     insert into board_activities (id, ticket, activity) select id, ticket, $4 from sent`,
    [number, id, JSON.stringify({ id }), JSON.stringify(activity)],
  );
  return posted.rowCount === 1;
}

/** The same for a move, which every run begins with. null: nothing was done, as above. */
async function moveAtOnce(
  pool: Pool,
  number: number,
  { id, to, from }: TicketOperation & { kind: 'moveTicket' },
): Promise<Record<string, unknown> | null> {
  const state = stateOf(to);
  const { rows } = await pool.query(
    `with locked as (select number, state from board_tickets where number = $1 for no key update),
       sent as (
         insert into board_operations (id, ticket, result)
         select $2, number, case when state = $3 or state = any($4) then json_build_object('state', $3::text)
           else json_build_object('skipped', format($5, state)) end
         from locked on conflict (id) do nothing returning ticket, result
       ),
       moved as (
         update board_tickets set state = $3, version = version + 1, updated_at = clock_timestamp()
         from sent join locked on locked.number = sent.ticket
         where board_tickets.number = sent.ticket and locked.state <> $3 and locked.state = any($4)
       )
     select result from sent`,
    [number, id, state, from.map(stateOf), skipped('%s', state)],
  );
  return rows[0]?.result ?? null;
}

function skipped(found: string, wanted: BoardState): string {
  return `A person moved the ticket to "${found}", so it was not moved to "${wanted}".`;
}

async function carryOut(
  db: BoardDatabase,
  ticket: TicketRow,
  operation: TicketOperation,
): Promise<Record<string, unknown>> {
  switch (operation.kind) {
    case 'postActivity': {
      const activity = JSON.stringify(operation.activity);
      await db.insertInto('board_activities').values({ id: operation.id, ticket: ticket.number, activity }).execute();
      return { id: operation.id };
    }
    case 'updatePlan': {
      const plan = JSON.stringify(operation.plan);
      await db
        .insertInto('board_plans')
        .values({ ticket: ticket.number, plan, updated_at: sql<Date>`clock_timestamp()` })
        .onConflict((conflict) =>
          conflict.column('ticket').doUpdateSet({ plan, updated_at: sql<Date>`clock_timestamp()` }),
        )
        .execute();
      return { id: operation.id };
    }
    case 'moveTicket': {
      const state = stateOf(operation.to);
      if (ticket.state === state) return { state };
      if (!operation.from.includes(categoryOf(ticket.state))) return { skipped: skipped(ticket.state, state) };
      await db
        .updateTable('board_tickets')
        .set({ state, version: ticket.version + 1, updated_at: sql<Date>`clock_timestamp()` })
        .where('number', '=', ticket.number)
        .execute();
      return { state };
    }
    case 'attachPullRequest': {
      if (typeof operation.url !== 'string') throw new Error(`the url of operation ${operation.id} was not resolved`);
      const url = storable(operation.url);
      const title = storable(operation.title);
      await db
        .insertInto('board_attachments')
        .values({ ticket: ticket.number, url, title })
        .onConflict((conflict) => conflict.columns(['ticket', 'url']).doUpdateSet({ title }))
        .execute();
      return { url };
    }
  }
}

/** PostgreSQL's text holds no NUL; what the agent wrote must not fail for one. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}
