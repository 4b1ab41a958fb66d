import { toJson } from '../lib/json.ts';
import type { Database } from './database.ts';

export async function readBaseline(db: Database, key: string): Promise<unknown> {
  const row = await db.selectFrom('baselines').select('result').where('key', '=', key).executeTakeFirst();
  return row?.result ?? null;
}

/** Kept once: a baseline of the same tree, set-up and commands is the same. */
export async function saveBaseline(db: Database, key: string, repository: string, result: unknown): Promise<void> {
  await db
    .insertInto('baselines')
    .values({ key, repository, result: toJson(result) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
}
