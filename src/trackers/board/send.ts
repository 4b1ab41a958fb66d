import { sql } from 'kysely';
import type { Pool } from 'pg';
import type { TicketOperation } from '../../core/effect.ts';
import type { TicketDraft, TicketHint } from '../../core/ticket.ts';
import { insertRow, nextMoment, storeRelation, updateRow } from './changes.ts';
import { type BoardDatabase, boardTransaction, isoTime } from './database.ts';
import { accountNamed } from './edit.ts';
import { insertFile } from './files.ts';
import { type BoardState, categoryOf, finishedStates, stateOf } from './states.ts';
import { cutLine } from './text.ts';
import { hintOf, identifierOf, lockTicket, notFound, numberOf, type TicketRow } from './tickets.ts';

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
         update board_tickets set state = $3, version = version + 1,
           updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
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
        .set({ state, version: ticket.version + 1, updated_at: nextMoment() })
        .where('number', '=', ticket.number)
        .execute();
      return { state };
    }
    case 'linkSession':
    case 'attachPullRequest': {
      if (typeof operation.url !== 'string') throw new Error(`the url of operation ${operation.id} was not resolved`);
      const url = storable(operation.url);
      const title = operation.kind === 'linkSession' ? 'What the agent does' : storable(operation.title);
      await db
        .insertInto('board_attachments')
        .values({ ticket: ticket.number, url, title })
        .onConflict((conflict) => conflict.columns(['ticket', 'url']).doUpdateSet({ title }))
        .execute();
      return { url };
    }
    case 'attachFile': {
      const { name, mediaType, content } = operation;
      if (!content) throw new Error(`the content of ${name} was not filled in`);
      const there = await db
        .selectFrom('board_files')
        .select('id')
        .where('ticket', '=', ticket.number)
        .where('name', '=', name)
        .where(sql<string>`author->>'id'`, '=', agent)
        .executeTakeFirst();
      if (there) return { id: there.id };
      const { id } = await insertFile(db, ticket.number, { name, mediaType, content }, accountNamed(agent, agent));
      return { id };
    }
    case 'leaveConversation':
      return { skipped: 'All is said in one place here.' };
    case 'createTicket': {
      const { draft, relation, blockedBy } = operation;
      const others = blockedBy.map((other) => {
        if (typeof other !== 'string') throw new Error(`what blocks "${draft.title}" was not resolved`);
        return numberOf(other);
      });
      await checkThere(db, others);
      const { number, hint } = await insertDraft(db, draft);
      if (relation) await storeRelation(db, [ticket.number, number], relation);
      for (const other of others) await storeRelation(db, [number, other], 'blockedBy');
      return { hint };
    }
    case 'takeTicket': {
      const { assignee, state, number } = ticket;
      if (assignee && assignee.id !== agent) return { skipped: `${assignee.name} has the ticket.` };
      if (finishedStates.includes(state)) return { skipped: `The ticket is in "${state}".` };
      if (assignee) return { at: await lastChange(db, number) };
      return { at: await assign(db, ticket, accountNamed(agent, agent)) };
    }
    case 'releaseTicket': {
      if (ticket.assignee?.id !== agent) return { skipped: 'The ticket is not mine any more.' };
      return { at: await assign(db, ticket, null) };
    }
  }
}

function assign(db: BoardDatabase, ticket: TicketRow, assignee: TicketRow['assignee']): Promise<string> {
  return updateRow(db, { ...ticket, assignee, version: ticket.version + 1 });
}

async function lastChange(db: BoardDatabase, number: number): Promise<string> {
  const { at } = await db
    .selectFrom('board_tickets')
    .select(isoTime('updated_at').as('at'))
    .where('number', '=', number)
    .executeTakeFirstOrThrow();
  return at;
}

/**
 * Files a ticket of its own, once: two that ask at once wait for each other at the id, and the second finds what the first
 * has filed.
 */
export function fileTicket(
  pool: Pool,
  { id, draft }: { id: string; draft: TicketDraft },
  signal: AbortSignal,
): Promise<TicketHint> {
  signal.throwIfAborted();
  return boardTransaction(pool, async (db) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${id}, 0))`.execute(db);
    const earlier = await db.selectFrom('board_operations').select('result').where('id', '=', id).executeTakeFirst();
    if (earlier) return earlier.result.hint as TicketHint;
    const { number, hint } = await insertDraft(db, draft);
    await db
      .insertInto('board_operations')
      .values({ id, ticket: number, result: JSON.stringify({ hint }) })
      .execute();
    signal.throwIfAborted(); // the last moment: what follows is the commit
    return hint;
  });
}

/** What the agent drafts is made to fit, never refused. */
async function insertDraft(db: BoardDatabase, draft: TicketDraft): Promise<{ number: number; hint: TicketHint }> {
  const { priority, team, project } = draft;
  const fields = { ...draft.fields, ...(team !== null && { team }), ...(project !== null && { project }) };
  const row = {
    title: cutLine(storable(draft.title)) || 'Untitled',
    description: storable(draft.description),
    priority,
    labels: [...new Set(draft.labels.map((label) => cutLine(storable(label))))].filter((label) => label !== ''),
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [storable(name), storable(value)])),
    state: 'Todo' as const,
    assignee: null,
  };
  const { number } = await insertRow(db, row);
  return { number, hint: hintOf({ number, ...row }) };
}

async function checkThere(db: BoardDatabase, numbers: number[]): Promise<void> {
  if (numbers.length === 0) return;
  const rows = await db.selectFrom('board_tickets').select('number').where('number', 'in', numbers).execute();
  const missing = numbers.find((number) => !rows.some((row) => row.number === number));
  if (missing !== undefined) throw notFound(identifierOf(missing));
}

/** PostgreSQL's text holds no NUL and no half of a pair; what the agent wrote must not fail for one. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
