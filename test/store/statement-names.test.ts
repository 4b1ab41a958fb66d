import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/store/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, 1); // one connection, so that it can say what it has prepared
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function ask(text: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await pool.query(text, [time]);
}

const prepared = async () =>
  (await pool.query<{ statement: string }>('select statement from pg_prepared_statements')).rows.map(
    ({ statement }) => statement,
  );

test('a statement that is asked again is prepared, a rare one is not', async () => {
  await ask('select $1::int + 1', 2);
  await ask('select $1::int + 2', 3);
  expect(await prepared()).toEqual(['select $1::int + 2']);
  expect((await pool.query('select $1::int + 2 as sum', [40])).rows).toEqual([{ sum: 42 }]);
  expect((await pool.query({ text: 'select $1::int + 2', values: [40], rowMode: 'array' })).rows).toEqual([[42]]);
});

test('a newer version may add a column to a table and an index while a process goes on asking', async () => {
  await pool.query('create table growing (a int)');
  await pool.query('insert into growing values (7)');
  const asks = [
    'select * from growing where a = $1',
    'select g.* from growing g where a = $1',
    'select a from growing where a = $1',
  ];
  for (const text of asks) for (let time = 0; time < 8; time++) await pool.query(text, [7]);
  await database.pool.query('alter table growing add column b int default 8');
  await database.pool.query('create index on growing (a)');
  expect((await pool.query(asks[0] ?? '', [7])).rows).toEqual([{ a: 7, b: 8 }]);
  expect((await pool.query(asks[1] ?? '', [7])).rows).toEqual([{ a: 7, b: 8 }]);
  expect((await pool.query(asks[2] ?? '', [7])).rows).toEqual([{ a: 7 }]);
});

test('what a connection keeps has an end', async () => {
  for (let n = 0; n < 400; n++) await ask(`select $1::int + ${1000 + n}`, 3);
  expect((await prepared()).length).toBe(150);
});
