import { addTokens, noTokens, type TokenUsage } from '../core/message.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Database, Tx } from './database.ts';

export interface Usage {
  model: string;
  tokens: TokenUsage;
  /** null: the model has no known price. */
  costUsd: number | null;
}

export async function addUsage(
  tx: Tx,
  where: { sessionId: string; runId: string; stepId: string },
  used: Usage[],
): Promise<void> {
  if (used.length === 0) return;
  await tx
    .insertInto('usage')
    .values(
      used.map(({ model, tokens, costUsd }, index) => ({
        id: deterministicId('usage', where.stepId, index),
        session_id: where.sessionId,
        run_id: where.runId,
        step_id: where.stepId,
        model,
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cache_read_tokens: tokens.cacheRead,
        cache_write_tokens: tokens.cacheWrite,
        cost_usd: costUsd,
      })),
    )
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

export interface UsageTotal {
  calls: number;
  tokens: TokenUsage;
  costUsd: number | null;
}

/** Of one run, or of the whole session. */
export async function sumUsage(db: Database, of: { sessionId: string; runId?: string }): Promise<UsageTotal> {
  let query = db.selectFrom('usage').selectAll().where('session_id', '=', of.sessionId);
  if (of.runId !== undefined) query = query.where('run_id', '=', of.runId);
  const rows = await query.execute();
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
