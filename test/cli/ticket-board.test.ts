import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let dir: string;
let clone: string;
let database: TestDatabase;

/** A clone with a configuration of its own, as where Shipmate is tried out: nobody is logged in anywhere. */
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shipmate-board-'));
  clone = join(dir, 'shop');
  mkdirSync(join(clone, 'src'), { recursive: true });
  writeFileSync(join(clone, 'src/dates.ts'), 'export const one = 1;\n');
  writeFileSync(join(clone, 'shipmate.yaml'), 'dataDir: ../data\nrepositories:\n  shop:\n    path: ../shop.git\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', clone, '-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args]);
  execFileSync('git', ['init', '-q', '--bare', join(dir, 'shop.git')]);
  git('init', '-q', '-b', 'main');
  git('remote', 'add', 'origin', join(dir, 'shop.git'));
  git('add', '.');
  git('commit', '-q', '-m', 'Begin');
  git('push', '-q', 'origin', 'main');
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
  rmSync(dir, { recursive: true, force: true });
});

async function shipmate(args: string[], piped = '', databaseUrl = database.url) {
  const said = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new PassThrough({ encoding: 'utf8' }).on('data', (text) => (said[name] += text)) as unknown as NodeJS.WriteStream;
  const stdin = new PassThrough().end(piped) as unknown as NodeJS.ReadStream;
  const env = { PATH: process.env.PATH, HOME: dir, DATABASE_URL: databaseUrl };
  const code = await createProgram({ cwd: clone, env, stdout: into('stdout'), stderr: into('stderr'), stdin }).run(
    args,
  );
  return { code, ...said };
}

test('without a service it is filed on the board that is configured; the same error is added to it', async () => {
  const error = (id: number) => `TypeError: no date ${id}\n    at f (${clone}/src/dates.ts:1:7)\n`;
  const filed = await shipmate(['ticket', 'Dates differ', '--error', '-', '--label', 'api'], error(1));
  expect(filed).toMatchObject({ code: 0, stderr: expect.stringContaining('BOARD-1 Dates differ') });
  expect(filed.stdout.trimEnd()).toMatch(/^\S*BOARD-1$/);
  const shown = (await shipmate(['tickets', 'show', 'BOARD-1'])).stdout;
  expect(shown).toContain('TypeError: no date 1');
  expect(shown).toContain('src/dates.ts');

  const again = await shipmate(['ticket', 'Something about dates', '--error', '-'], error(27));
  expect(again).toMatchObject({ code: 0, stdout: filed.stdout, stderr: expect.stringContaining('Added to BOARD-1') });
});

test('its database is away: it is kept, and filed with the next one', async () => {
  const away = await shipmate(['ticket', 'While it is away'], '', 'postgres://nobody@127.0.0.1:1/none');
  expect(away).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('It is kept in') });
  const next = await shipmate(['ticket', 'Names are cut']);
  expect(next.stderr).toMatch(/Names are cut[\s\S]*Filed meanwhile: "While it is away": BOARD-\d/);
});
