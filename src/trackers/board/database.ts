import {
  type ColumnType,
  type Generated,
  Kysely,
  PostgresDialect,
  type PostgresPoolClient,
  type RawBuilder,
  type SqlBool,
  sql,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import type { Activity } from '../../core/activity.ts';
import type { Plan } from '../../core/plan.ts';
import type { Person, Priority } from '../../core/ticket.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../../lib/database-error.ts';
import type { BoardState } from './states.ts';

/** A `json` column: what is read is the value, what is written is its JSON text. */
type Json<T> = ColumnType<T, string, string>;
type Time = ColumnType<Date, RawBuilder<Date> | undefined, RawBuilder<Date>>;

export interface BoardTables {
  board_tickets: {
    number: Generated<number>;
    title: string;
    description: string;
    priority: Priority;
    labels: string[];
    fields: Json<Record<string, string>>;
    state: BoardState;
    assignee: ColumnType<Person | null, string | null, string | null>;
    version: Generated<number>;
    created_at: Time;
    updated_at: Time;
  };
  board_comments: {
    id: string;
    ticket: number;
    seq: ColumnType<string, never, never>;
    author: Json<Person>;
    body: string;
    created_at: Time;
  };
  board_relations: { ticket: number; type: 'blocks' | 'relatedTo' | 'parent' | 'duplicateOf'; other: number };
  board_operations: { id: string; ticket: number; result: Json<Record<string, unknown>> };
  board_activities: {
    id: string;
    ticket: number;
    seq: ColumnType<string, never, never>;
    activity: Json<Activity>;
    created_at: Time;
  };
  board_plans: { ticket: number; plan: Json<Plan>; updated_at: Time };
  board_files: {
    id: string;
    ticket: number;
    seq: ColumnType<string, never, never>;
    name: string;
    media_type: string;
    content: Buffer;
    author: Json<Person>;
    created_at: Time;
  };
  board_attachments: { ticket: number; url: string; title: string; created_at: Time };
}

export type BoardDatabase = Kysely<BoardTables>;

export function boardDatabase(pool: Pool): BoardDatabase {
  return new Kysely<BoardTables>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * One transaction, as Kysely on the connection and as the connection itself: a change and the delivery that tells of it
 * are written by different hands and commit together.
 */
export async function boardTransaction<T>(
  pool: Pool,
  work: (db: BoardDatabase, tx: PoolClient) => Promise<T>,
): Promise<T> {
  const tx = await pool.connect();
  const ignore = () => {}; // the query under way fails too, and says it; without a listener the process would end
  tx.on('error', ignore);
  let broken = false;
  try {
    await tx.query('begin');
    const result = await work(onConnection(tx), tx);
    const { command } = await tx.query('commit');
    // PostgreSQL answers ROLLBACK when a statement had failed and somebody swallowed that.
    if (command !== 'COMMIT') throw new Error('The transaction was rolled back because a statement in it had failed.');
    return result;
  } catch (error) {
    await tx.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    tx.off('error', ignore);
    tx.release(broken);
  }
}

function onConnection(tx: PoolClient): BoardDatabase {
  const connection = { query: tx.query.bind(tx), release: () => {} } as PostgresPoolClient;
  const pool = { connect: async () => connection, end: async () => {}, options: {} };
  return new Kysely<BoardTables>({ dialect: new PostgresDialect({ pool }) });
}

/** A lost database is a vendor that is not there; everything else passes as it is. */
export async function asVendor<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    throw new VendorError(`The board's database does not answer: ${(error as Error).message}`, {
      code: 'unavailable',
      retryable: true,
      cause: error,
    });
  }
}

/** ISO 8601 to the microsecond, so that what was said in one millisecond keeps its order. */
export function isoTime(column: string): RawBuilder<string> {
  return sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** Whether a ticket is assigned to the account of this id. */
export function isAssignedTo(id: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`assignee ->> 'id' = ${id}`;
}
