import { type RawBuilder, sql } from 'kysely';
import {
  type BudgetLimits,
  type Limits,
  OverBudget,
  type Reservation,
  type Standing,
  unlimited,
} from '../core/budget.ts';
import { totalTokens } from '../core/message.ts';
import type { Database, Tx } from './database.ts';
import { type ClaimedRun, holding } from './runs.ts';
import type { Usage } from './usage.ts';

/** Whom a run's model calls are charged to, beside the run itself. */
export interface Payers {
  ticketId: string;
  team: string;
  limits: Limits;
  /** The standing order that had the run begun, and its money of a day. */
  order?: { name: string; usd: number | null } | null;
}

/** The account of a standing order on a day ("2026-11-21"). */
export function orderAccount(name: string, day: RawBuilder<unknown>) {
  return sql`'order/' || ${name}::text || '/' || ${day}`;
}

/** A day is the database's, so that all workers agree on when it ends. */
const today = sql`to_char(now() at time zone 'utc', 'YYYY-MM-DD')`;

function accountsOf({ ticketId, team, limits, order }: Payers) {
  const row = (scope: Standing['scope'], account: RawBuilder<unknown>, { turns, tokens, usd }: BudgetLimits) =>
    sql`(${scope}, ${account}, ${turns}::bigint, ${tokens}::bigint, ${usd}::numeric)`;
  return sql`(values ${sql.join([
    row('ticket', sql`'ticket/' || ${ticketId}::text`, limits.ticket),
    row('team', sql`'team/' || ${team}::text || '/' || ${today}`, { ...unlimited, ...limits.team }),
    row('day', sql`'day/' || ${today}`, { ...unlimited, ...limits.day }),
    ...(order ? [row('order', orderAccount(order.name, today), { ...unlimited, usd: order.usd })] : []),
  ])}) as accounts (scope, account, turn_limit, token_limit, usd_limit)`;
}

/** What comes back of the reservation of a call whose reply was lost. Its prompt was paid for, and it counts as a turn. */
const unusedOf = sql`case when model is null then -1 else 0 end as turns,
  prompt_tokens - tokens as tokens, coalesce(prompt_usd, 0) - usd as usd`;

/** The prompts of calls whose replies were lost, in the list of what was used. */
function countingLost(reservations: RawBuilder<unknown>) {
  return sql`
    insert into usage (id, session_id, run_id, step_id, model,
      input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd)
    select gen_random_uuid(), runs.session_id, runs.id, lost.step_id, lost.model, lost.prompt_tokens, 0, 0, 0, lost.prompt_usd
    from ${reservations} as lost join runs on runs.id = lost.run_id where lost.model is not null`;
}

/**
 * For a statement that begins a step in `begun`: sets aside what it may use, in place of what an attempt that died had set
 * aside for it. The statement fails where that does not fit a limit; `refusalOf` says then how things stand.
 */
export function reserving(of: { stepId: string; runId: string }, { tokens, usd, prompt }: Reservation, payers: Payers) {
  // Accounts are locked in the order of their names, here and in `settling`: nobody waits in a circle.
  return sql`,
    wanted as (select accounts.* from begun, ${accountsOf(payers)}),
    replaced as (select r.* from reservations r, begun where r.step_id = ${of.stepId}::uuid),
    lost as (${countingLost(sql`replaced`)}),
    set_aside as (
      insert into reservations (step_id, run_id, accounts, tokens, usd, model, prompt_tokens, prompt_usd)
      select ${of.stepId}::uuid, ${of.runId}::uuid, array_agg(account), ${tokens}, ${usd},
        ${prompt.model}, ${prompt.tokens}, ${prompt.usd}::numeric
      from wanted having count(*) > 0
      on conflict (step_id) do update set accounts = excluded.accounts, tokens = excluded.tokens, usd = excluded.usd,
        model = excluded.model, prompt_tokens = excluded.prompt_tokens, prompt_usd = excluded.prompt_usd
    ),
    charged as (
      insert into spending as s (account, turns, tokens, usd, turn_limit, token_limit, usd_limit)
      select account, sum(turns), sum(tokens), sum(usd), max(turn_limit), max(token_limit), max(usd_limit) from (
        select account, 1 as turns, ${tokens}::bigint as tokens, ${usd}::numeric as usd, turn_limit, token_limit, usd_limit
        from wanted
        union all
        select account, turns, tokens, usd, null, null, null
        from (select unnest(accounts) as account, ${unusedOf} from replaced) as unused
      ) as charges
      group by account order by account
      on conflict (account) do update set
        turns = s.turns + excluded.turns, tokens = s.tokens + excluded.tokens, usd = s.usd + excluded.usd,
        turn_limit = excluded.turn_limit, token_limit = excluded.token_limit, usd_limit = excluded.usd_limit
    )`;
}

/** For a statement that completes a step of the run in `held`: what was set aside gives way to what was used. */
export function settling(stepId: string, used: Usage[]) {
  if (used.length === 0) return sql``;
  const tokens = used.reduce((sum, each) => sum + totalTokens(each.tokens), 0);
  const usd = used.reduce((sum, each) => sum + (each.costUsd ?? 0), 0);
  return sql`,
    settled as (
      delete from reservations using held where step_id = ${stepId}::uuid returning accounts, tokens, usd
    ),
    ${charging(sql`select unnest(accounts) as account, 0 as turns, ${tokens}::bigint - tokens as tokens,
      ${usd}::numeric - usd as usd from settled`)}`;
}

function charging(charges: RawBuilder<unknown>) {
  return sql`charged as (
    insert into spending as s (account, turns, tokens, usd)
    select account, sum(turns), sum(tokens), sum(usd) from (${charges}) as charges group by account order by account
    on conflict (account) do update set
      turns = s.turns + excluded.turns, tokens = s.tokens + excluded.tokens, usd = s.usd + excluded.usd,
      turn_limit = null, token_limit = null, usd_limit = null
  )`;
}

/** For a model call of this attempt that was refused: all that was set aside comes back. */
export async function releaseReservation(db: Database, run: ClaimedRun, stepId: string): Promise<void> {
  await sql`
    with held as (${holding(run)}), gone as (
      delete from reservations using held where step_id = ${stepId}::uuid and run_id = held.id returning accounts, tokens, usd
    ),
    ${charging(sql`select unnest(accounts) as account, -1 as turns, -tokens as tokens, -usd as usd from gone`)}
    select 1`.execute(db);
}

/** A run that ends in the middle of a model call has lost its reply. */
export async function settleLostCalls(tx: Tx, runId: string): Promise<void> {
  await settleLost(tx, sql`select step_id from reservations where run_id = ${runId}::uuid for update`);
}

/** Those of runs that ended in a way that settled nothing, as older processes end them. */
async function clearEnded(db: Database): Promise<void> {
  await settleLost(
    db,
    sql`select r.step_id from reservations r join runs on runs.id = r.run_id
      where runs.ended_at is not null for update of r skip locked`,
  );
}

async function settleLost(db: Database | Tx, which: RawBuilder<unknown>): Promise<void> {
  await sql`
    with gone as (delete from reservations where step_id in (${which}) returning *),
    lost as (${countingLost(sql`gone`)}),
    ${charging(sql`select unnest(accounts) as account, ${unusedOf} from gone`)}
    select 1`.execute(db);
}

/** Whether a statement with `reserving` failed because a limit would have been passed. */
export function isOverLimit(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  return code === '23514' && constraint === 'spending_within_limits';
}

/** How things stand after that. What is set aside for `stepId` itself would be replaced: only its prompt counts, as lost. */
export async function refusalOf(db: Database, stepId: string, payers: Payers): Promise<OverBudget> {
  await clearEnded(db);
  const found = await sql<Found>`
    select scope, accounts.turn_limit, accounts.token_limit, accounts.usd_limit::float8,
      coalesce(s.turns, 0) - own.turns - others.turns as turns,
      coalesce(s.tokens, 0) - own.tokens - others.tokens as tokens,
      (coalesce(s.usd, 0) - own.usd - others.usd)::float8 as usd,
      others.turns as reserved_turns, others.tokens as reserved_tokens, others.usd::float8 as reserved_usd
    from ${accountsOf(payers)}
    left join spending s on s.account = accounts.account,
    lateral (
      select coalesce(-sum(turns), 0) as turns, coalesce(-sum(tokens), 0)::bigint as tokens, coalesce(-sum(usd), 0) as usd
      from (select ${unusedOf} from reservations where accounts.account = any (reservations.accounts)
        and step_id = ${stepId}::uuid) as unused
    ) as own,
    lateral (
      select count(*) as turns, coalesce(sum(tokens), 0)::bigint as tokens, coalesce(sum(usd), 0) as usd
      from reservations where accounts.account = any (reservations.accounts) and step_id <> ${stepId}::uuid
    ) as others`.execute(db);
  return new OverBudget(found.rows.map((row) => toStanding(row, payers)));
}

interface Found {
  scope: Standing['scope'];
  turn_limit: number | null;
  token_limit: number | null;
  usd_limit: number | null;
  turns: number;
  tokens: number;
  usd: number;
  reserved_turns: number;
  reserved_tokens: number;
  reserved_usd: number;
}

function toStanding(row: Found, { order }: Payers): Standing {
  return {
    scope: row.scope,
    ...(row.scope === 'order' && order && { name: order.name }),
    limits: { turns: row.turn_limit, tokens: row.token_limit, usd: row.usd_limit, minutes: null },
    used: { turns: row.turns, tokens: row.tokens, usd: row.usd, ms: 0 },
    reserved: { turns: row.reserved_turns, tokens: row.reserved_tokens, usd: row.reserved_usd },
  };
}
