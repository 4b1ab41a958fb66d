import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

const dir = fileURLToPath(new URL('../../migrations', import.meta.url));

/**
 * Brings the database up to this version's schema and returns the names of what was applied. Any number of processes may
 * call it at once: they wait for each other.
 */
export async function migrate(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'shipmate-migrate' });
  client.on('error', () => {}); // what was asked rejects with it; without a listener it would end this process
  await client.connect();
  try {
    const applied = await runner({
      dbClient: client,
      dir,
      direction: 'up',
      migrationsTable: 'migrations',
      advisoryLockMode: 'wait',
      checkOrder: true,
      log: () => {},
    });
    return applied.map((migration) => migration.name);
  } finally {
    await client.end();
  }
}
