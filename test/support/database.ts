import pg from 'pg';
import { inject } from 'vitest';
import { createDatabase, createPool, type Database } from '../../src/store/database.ts';

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
  /** As the service asks it, over a pool of its own. */
  db: Database;
  /** Closes both pools and drops the database. */
  drop(): Promise<void>;
}

let made = 0;

/** An empty database with the current schema, of this test file's own. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${process.pid}_${made++}_${Math.random().toString(36).slice(2, 8)}`;
  const admin = (sql: string) => onServer(inject('postgresUrl').replace('/shipmate?', '/postgres?'), sql);
  await admin(`create database ${name} template shipmate_template`);
  const url = inject('postgresUrl').replace('/shipmate?', `/${name}?`);
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  pool.on('error', () => {}); // a test may take the server's connections away on purpose
  const db = createDatabase(createPool(url));
  return {
    url,
    pool,
    db,
    async drop() {
      await db.destroy();
      await pool.end();
      await admin(`drop database if exists ${name} with (force)`);
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
