import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { migrate } from '../src/store/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

/** One PostgreSQL for the whole run, with the schema in its `shipmate` database; each test file clones that one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-test-'));
  const server = await openEmbeddedPostgres(dir);
  await migrate(server.url);
  // A template must have no connections: `shipmate` keeps the server's keeper, so the clones come from a copy.
  const admin = new pg.Client({ connectionString: server.url.replace('/shipmate?', '/postgres?') });
  await admin.connect();
  // Nobody cuts the power during a test; what processes are killed for, the system's cache keeps.
  await admin.query('alter system set fsync = off');
  await admin.query('alter system set full_page_writes = off');
  await admin.query('select pg_reload_conf()');
  await admin.query('create database shipmate_template');
  await admin.end();
  await migrate(server.url.replace('/shipmate?', '/shipmate_template?'));
  project.provide('postgresUrl', server.url);
  return async () => {
    await server.release();
    await rm(dir, { recursive: true, force: true });
  };
}
