import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startQueues } from '../src/jobs/queues.ts';
import { openEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { migrate } from '../src/store/migrate.ts';
import { makeTestDir } from './support/memory-dir.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

/** One PostgreSQL for the whole run, with the schema in its `shipmate` database; each test file clones that one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const temporary = await makeTestDir();
  const server = await openEmbeddedPostgres(join(temporary.dir, 'server'));
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
  const template = server.url.replace('/shipmate?', '/shipmate_template?');
  await migrate(template);
  await (await startQueues({ url: template, onError: console.error })).stop();
  project.provide('postgresUrl', server.url);
  return async () => {
    await server.release();
    await temporary.remove();
  };
}
