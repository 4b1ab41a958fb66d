import { sql } from 'kysely';
import type { PinnedTools } from '../core/tool-server.ts';
import { toJson } from '../lib/json.ts';
import type { Database } from './database.ts';

/** What is pinned of a server. */
export interface ToolServerRow extends PinnedTools {
  name: string;
  pinnedAt: Date;
  /** The version that it was last seen with, where that is another. */
  seenVersion: string | null;
  /** What it lists now, where that is something else. */
  offered: PinnedTools | null;
  offeredAt: Date | null;
}

/** null: it was never used. */
export async function readToolServer(db: Database, name: string): Promise<ToolServerRow | null> {
  return (await select(db).where('name', '=', name).execute()).map(toServer)[0] ?? null;
}

export async function listToolServers(db: Database): Promise<ToolServerRow[]> {
  return (await select(db).orderBy('name').execute()).map(toServer);
}

/** At its first use. Answers what is pinned then: of two at once, the first's. */
export async function pinToolServer(db: Database, name: string, { version, hash, tools }: PinnedTools) {
  await db
    .insertInto('tool_servers')
    .values({ name, version, hash, tools: toJson(tools) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const row = await readToolServer(db, name);
  if (!row) throw new Error(`what was pinned of the tool server ${name} was taken away`);
  return row;
}

/** It was seen like this. Where its tools are others than the pinned ones, it is off from now on. */
export async function noteToolServer(db: Database, name: string, now: PinnedTools): Promise<void> {
  await db
    .updateTable('tool_servers')
    .set({ seen_version: now.version })
    .where('name', '=', name)
    .where('hash', '=', now.hash)
    .execute();
  await db
    .updateTable('tool_servers')
    .set({ offered: toJson(now), offered_at: new Date() })
    .where('name', '=', name)
    .where('hash', '<>', now.hash)
    .execute();
}

/** From now on these are its tools. False: what is pinned or offered changed since it was looked at. */
export async function acceptTools(
  db: Database,
  { name, hash, offered }: Pick<ToolServerRow, 'name' | 'hash' | 'offered'>,
  accepted: PinnedTools,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('tool_servers')
    .set({
      ...{ version: accepted.version, hash: accepted.hash, tools: toJson(accepted.tools), pinned_at: new Date() },
      ...{ seen_version: null, offered: null, offered_at: null },
    })
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where(sql<string | null>`offered ->> 'hash'`, 'is not distinct from', offered?.hash ?? null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

function select(db: Database) {
  return db
    .selectFrom('tool_servers')
    .select(['name', 'version', 'hash', 'tools', 'pinned_at', 'seen_version', 'offered', 'offered_at']);
}

function toServer(row: {
  name: string;
  version: string;
  hash: string;
  tools: PinnedTools['tools'];
  pinned_at: Date;
  seen_version: string | null;
  offered: PinnedTools | null;
  offered_at: Date | null;
}): ToolServerRow {
  const { name, version, hash, tools, offered } = row;
  const seenVersion = row.seen_version === version ? null : row.seen_version;
  return { name, version, hash, tools, pinnedAt: row.pinned_at, seenVersion, offered, offeredAt: row.offered_at };
}
