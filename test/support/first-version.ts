import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

const dir = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Makes `to`, an empty database, what `from` would be if the first version had written it: its schema, and what fits there. */
export async function copyAsFirstVersion(from: pg.Pool, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: to });
  await client.connect();
  try {
    await runner({ dbClient: client, dir, direction: 'up', count: 1, migrationsTable: 'migrations', log: () => {} });
    await client.query('set session_replication_role = replica'); // rows come in no order
    const { rows: columns } = await client.query(
      `select table_name as t, string_agg(quote_ident(column_name), ', ') as list,
         string_agg(column_name, '') filter (where is_identity = 'YES') as identity
       from information_schema.columns where table_schema = 'public' and table_name <> 'migrations' group by table_name`,
    );
    for (const { t, list, identity } of columns) {
      const { rows } = await from.query(
        `select coalesce(json_agg(r)::text, '[]') as all from (select ${list} from ${t}) r`,
      );
      await client.query(
        `insert into ${t} (${list}) overriding system value select ${list} from json_populate_recordset(null::${t}, $1)`,
        [rows[0].all],
      );
      if (identity)
        await client.query(
          `select setval(pg_get_serial_sequence('${t}', '${identity}'), (select coalesce(max(${identity}), 1) from ${t}))`,
        );
    }
  } finally {
    await client.end();
  }
}
