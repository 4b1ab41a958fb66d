import { sql } from 'kysely';
import type { Pool } from 'pg';
import type { TicketOperation } from '../../core/effect.ts';
import type { TicketHint } from '../../core/ticket.ts';
import { insertRow, storeRelation, updateRow } from './changes.ts';
import { type BoardDatabase, boardTransaction } from './database.ts';
import { accountNamed } from './edit.ts';
import { type BoardState, categoryOf, finishedStates, stateOf } from './states.ts';
import { cutLine } from './text.ts';
import { hintOf, lockTicket, numberOf, type TicketRow } from './tickets.ts';

/**
 * Carries one operation out, once: what it did is kept under its id, in the same transaction and behind the ticket's lock,
 * so that a repetition, however late, changes nothing and gets the same answer.
 */
export async function sendOperation(
  { pool, agent, hint, signal }: { pool: Pool; agent: string; hint: TicketHint; signal: AbortSignal },
  operation: TicketOperation,
): Promise<Record<string, unknown>> {
  const number = numberOf(hint.id);
  if (operation.kind === 'postActivity') {
    signal.throwIfAborted();
    const posted = await postAtOnce(pool, number, operation);
    if (posted) return posted;
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
    const result = await carryOut(db, agent, ticket, operation);
    await db
      .insertInto('board_operations')
      .values({ id: operation.id, ticket: number, result: JSON.stringify(result) })
      .execute();
    signal.throwIfAborted(); // the last moment: what follows is the commit
    return result;
  });
}

/**
 * What is sent most and what people wait for first, in one statement that does what the transaction would. null: nothing
 * was done, because it was sent before or there is no such ticket.
 */
async function postAtOnce(
  pool: Pool,
  number: number,
  { id, activity }: TicketOperation & { kind: 'postActivity' },
): Promise<Record<string, unknown> | null> {
  const { rows } = await pool.query(
    `with locked as (select number from board_tickets where number = $1 for no key update),
       sent as (
         insert into board_operations (id, ticket, result)
         select $2::uuid, number, json_build_object('id', $2::uuid, 'at', clock_timestamp()) from locked
         on conflict (id) do nothing returning id, ticket, result
       ),
       shown as (insert into board_activities (id, ticket, activity) select id, ticket, $3 from sent)
     select result from sent`,
    [number, id, JSON.stringify(activity)],
  );
  return rows[0]?.result ?? null;
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
  agent: string,
  ticket: TicketRow,
  operation: TicketOperation,
): Promise<Record<string, unknown>> {
  switch (operation.kind) {
    case 'postActivity': {
      const activity = JSON.stringify(operation.activity);
      const { at } = await db
        .insertInto('board_activities')
        .values({ id: operation.id, ticket: ticket.number, activity })
        .returning(sql<string>`clock_timestamp()`.as('at'))
        .executeTakeFirstOrThrow();
      return { id: operation.id, at };
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
    case 'createTicket':
      return { hint: await fileTicket(db, ticket, operation) };
    case 'takeTicket': {
      const { assignee, state } = ticket;
      if (assignee?.id === agent) return { assignee: agent };
      if (assignee) return { skipped: `${assignee.name} has the ticket.` };
      if (finishedStates.includes(state)) return { skipped: `The ticket is in "${state}".` };
      await updateRow(db, { ...ticket, assignee: accountNamed(agent, agent), version: ticket.version + 1 });
      return { assignee: agent };
    }
  }
}

async function fileTicket(
  db: BoardDatabase,
  from: TicketRow,
  { draft, relation, blockedBy }: TicketOperation & { kind: 'createTicket' },
): Promise<TicketHint> {
  const { title, description, priority, labels, team, project } = draft;
  const fields = { ...draft.fields, ...(team !== null && { team }), ...(project !== null && { project }) };
  const { number } = await insertRow(db, {
    title: cutLine(storable(title)),
    description: storable(description),
    priority,
    labels: labels.map((label) => cutLine(storable(label))),
    fields: JSON.parse(storable(JSON.stringify(fields))),
    state: 'Todo',
    assignee: null,
  });
  if (relation) await storeRelation(db, [from.number, number], relation);
  for (const other of blockedBy) {
    if (typeof other !== 'string') throw new Error(`what blocks "${title}" was not resolved`);
    await storeRelation(db, [number, numberOf(other)], 'blockedBy');
  }
  return hintOf({ number, title: cutLine(storable(title)), priority, fields });
}

/** PostgreSQL's text holds no NUL; what the agent wrote must not fail for one. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replaceAll('\\u0000', '\uFFFD');
}
