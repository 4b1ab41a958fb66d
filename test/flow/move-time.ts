import type { Pool } from 'pg';

/**
 * As if so many minutes had gone by: every time that is stored is so much longer ago, so that all clocks still agree. What
 * a delivery that nobody has sorted tells of is not touched.
 */
export async function moveTime(pool: Pool, minutes: number): Promise<void> {
  const { rows } = await pool.query<{ name: string; sets: string }>(
    `
    select quote_ident(c.table_name) as name,
      string_agg(format('%1$I = %1$I - interval ''%2$s minutes''', c.column_name, $1::int), ', ') as sets
    from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.data_type = 'timestamp with time zone'
    group by c.table_name order by c.table_name`,
    [minutes],
  );
  // What the tracker answered to what was sent has its time, too.
  const answered = ['effects', 'board_operations'].map(
    (table) => `update ${table} set result = (result::jsonb || jsonb_build_object(
      'at', (result ->> 'at')::timestamptz - interval '${minutes} minutes'))::json where result ->> 'at' is not null`,
  );
  const moved = rows.map(({ name, sets }) => `update ${name} set ${sets}`);
  await pool.query(['begin', ...moved, ...answered, 'commit'].join(';\n'));
}
