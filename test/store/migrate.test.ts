import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { inject, onTestFinished, test } from 'vitest';

const run = promisify(execFile);

test('three processes that migrate at once apply each migration once', async ({ expect }) => {
  const serverUrl = inject('postgresUrl');
  const admin = new pg.Client({ connectionString: serverUrl.replace('/shipmate?', '/postgres?') });
  await admin.connect();
  const name = `migrate_${process.pid}`;
  await admin.query(`create database ${name}`);
  onTestFinished(async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  const url = serverUrl.replace('/shipmate?', `/${name}?`);
  const program = `
    const { migrate } = await import(${JSON.stringify(new URL('../../src/store/migrate.ts', import.meta.url).href)});
    console.log(JSON.stringify(await migrate(${JSON.stringify(url)})));`;
  const outputs = await Promise.all(
    [1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '--eval', program])),
  );
  const applied = outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
  expect(applied).toContain('0001_initial');
  expect(new Set(applied).size).toBe(applied.length);
});
