import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Schema } from './schema.ts';
import { createStatementNames } from './statement-names.ts';

export type Database = Kysely<Schema>;
export type Tx = Transaction<Schema>;

/** What both a pool and a connection offer. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

const bigint = 20;

/** A pool whose `bigint`s are numbers: ours are sequences and sizes, far below 2^53. */
export function createPool(url: string, max = 20): pg.Pool {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === bigint ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
  };
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    application_name: 'shipmate',
    // Opening one takes some milliseconds of both sides, and tickets come in bursts.
    idleTimeoutMillis: 300_000,
    // A server that vanished without a word is noticed, also by a connection that waits for its answer.
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    // A process that is frozen in the middle of a transaction must not keep what it locked for ever.
    idle_in_transaction_session_timeout: 6_000,
  });
  const nameOf = createStatementNames();
  // Losing the server must not end this process, whether a connection is in use or not: whoever asks next gets another one.
  pool.on('connect', (client) => {
    client.on('error', () => {});
    const query = client.query.bind(client) as (text: unknown, values?: unknown, then?: unknown) => unknown;
    client.query = ((text: unknown, values?: unknown, then?: unknown) => {
      const name = typeof text === 'string' && Array.isArray(values) ? nameOf(text) : undefined;
      return query(name === undefined ? text : { name, text }, values, then);
    }) as typeof client.query;
  });
  pool.on('error', () => {});
  return pool;
}

/** Runs `work` in a transaction on one connection; it commits when that resolves. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    const { command } = await client.query('commit');
    // What failed inside and was swallowed makes PostgreSQL roll back, quietly.
    if (command === 'ROLLBACK') throw new Error('the transaction was rolled back: a statement in it had failed');
    client.release();
    return result;
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      () => client.release(true),
    );
    throw error;
  }
}

export function createDatabase(pool: pg.Pool): Database {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}

/** A transaction of ours for those who write on a connection of whoever calls them. */
export function queryableOf(tx: Tx): Queryable {
  return {
    async query(text, values = []) {
      const parts = text.split(/\$(\d+)/);
      const fragments = parts.map((part, at) => (at % 2 === 0 ? sql.raw(part) : sql`${values[Number(part) - 1]}`));
      return { rows: (await sql.join(fragments, sql``).execute(tx)).rows };
    },
  };
}
