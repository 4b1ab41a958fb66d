import { sql } from 'kysely';
import type { Used } from '../core/budget.ts';
import { addTokens, noTokens, type TokenUsage } from '../core/message.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { workedMs } from './runs.ts';

export interface Usage {
  model: string;
  tokens: TokenUsage;
  /** null: the model has no known price. */
  costUsd: number | null;
}

/** Rows for `held`, the run of a statement that completes a step; written once, however often that is done. */
export function insertingUsage(where: { sessionId: string; stepId: string }, used: Usage[]) {
  const rows = used.map(({ model, tokens, costUsd }, index) => ({
    id: deterministicId('usage', where.stepId, index),
    model,
    ...tokens,
    cost: costUsd,
  }));
  return sql`
    insert into usage (id, session_id, run_id, step_id, model,
      input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd)
    select used.id, ${where.sessionId}::uuid, held.id, ${where.stepId}::uuid, model,
      input, output, "cacheRead", "cacheWrite", cost
    from held, json_to_recordset(${toJson(rows)}::json) as used
      (id uuid, model text, input bigint, output bigint, "cacheRead" bigint, "cacheWrite" bigint, cost numeric)
    on conflict (id) do nothing`;
}

export interface UsageTotal {
  calls: number;
  tokens: TokenUsage;
  costUsd: number | null;
}

/** Of a whole session. */
export async function sumUsage(db: Database, sessionId: string): Promise<UsageTotal> {
  const rows = await db.selectFrom('usage').selectAll().where('session_id', '=', sessionId).execute();
  return rows.reduce<UsageTotal>(
    (sum, row) => ({
      calls: sum.calls + 1,
      tokens: addTokens(sum.tokens, {
        input: row.input_tokens,
        output: row.output_tokens,
        cacheRead: row.cache_read_tokens,
        cacheWrite: row.cache_write_tokens,
      }),
      costUsd: row.cost_usd === null ? sum.costUsd : (sum.costUsd ?? 0) + Number(row.cost_usd),
    }),
    { calls: 0, tokens: noTokens, costUsd: null },
  );
}

/** What each run of a session has used, in their order; the newest is the last. */
export async function usedByRuns(db: Database | Tx, sessionId: string): Promise<{ runId: string; used: Used }[]> {
  const rows = await db
    .selectFrom('runs')
    .leftJoin('usage', 'usage.run_id', 'runs.id')
    .select((select) => [
      'runs.id',
      select.fn.count<number>('usage.id').as('turns'),
      sql<number>`coalesce(sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens), 0)::bigint`.as(
        'tokens',
      ),
      sql<number | null>`sum(cost_usd)::float8`.as('usd'),
    ])
    .where('runs.session_id', '=', sessionId)
    .groupBy(['runs.id', 'runs.number'])
    .orderBy('runs.number')
    .execute();
  const worked = await workedMs(db, sessionId);
  return rows.map(({ id, turns, tokens, usd }) => ({
    runId: id,
    used: { turns, tokens, usd, ms: worked.get(id) ?? 0 },
  }));
}
