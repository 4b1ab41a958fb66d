import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { plantDelivery, plantEffect, plantSession } from '../support/rows.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

describe('what the people who run it ask on the command line', { timeout: 170_000 }, () => {
  let dir: string;
  let database: TestDatabase;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-cli-'));
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(() => database.pool.query('truncate effects, runs, sessions, tickets, deliveries cascade'));

  function shipmate(...args: string[]) {
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { PATH: process.env.PATH, HOME: dir, DATABASE_URL: database.url, NODE_COMPILE_CACHE: compileCache };
      const child = execFile(process.execPath, [main, ...args], { cwd: dir, env }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  test('doctor --invariants: each check, what it looks at and how long it took; what offends, and what to do', async ({
    expect,
  }) => {
    await plantSession(database.pool, { daysAgo: 1 });
    const sound = await shipmate('doctor', '--invariants');
    expect(sound.stdout).toMatch(/^\d+ checks, sessions of the last 7 days: all hold \(\d+\.\d s\)$/m);
    expect([sound.code, sound.stderr]).toEqual([0, '']);

    const { identifier } = await plantSession(database.pool, { state: 'active', daysAgo: 1 });
    const broken = await shipmate('doctor', '--invariants', '--all');
    expect(broken.stdout).toContain('broken   active session has a live run');
    expect(broken.stdout).toContain(
      `         ${identifier}: it is active, and no run of it is live\n         Comment "continue"`,
    );
    expect(broken.stdout).toMatch(/sessions of all times: 1 violations/);
    expect(broken.code).toBe(1);
  });

  test('tickets template is a ticket to fill in; tickets attach adds a file', async ({ expect }) => {
    const template = await shipmate('tickets', 'template');
    expect(template.stdout).toContain('## Acceptance criteria');
    await writeFile(join(dir, 'ticket.md'), template.stdout);
    const created = await shipmate('tickets', 'create', 'Round half up', '--file', 'ticket.md');
    const [identifier = ''] = created.stdout.split(' ');
    const attached = await shipmate('tickets', 'attach', identifier, 'ticket.md');
    expect([attached.code, attached.stdout]).toEqual([0, `Attached ticket.md (${template.stdout.length} bytes).\n`]);
    expect((await shipmate('tickets', 'show', identifier)).stdout).toContain('File: ticket.md (');
    const missing = await shipmate('tickets', 'attach', identifier, 'no-such-file');
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('The file cannot be read')]);
  });

  test('routes lists what people answered for projects; forget has it asked again', async ({ expect }) => {
    expect((await shipmate('routes')).stdout).toBe('There are no rules, and nothing is remembered.\n');
    await database.pool.query(
      `insert into remembered_routes values ('board', 'project', 'Shop', 'acme/web', '{"name":"Ada"}', '2026-01-02')`,
    );
    expect((await shipmate('routes', 'list')).stdout).toMatch(/^project "Shop": acme\/web {2}Ada, 2026-01-0\dT/);
    const forgotten = await shipmate('routes', 'forget', 'shop');
    expect([forgotten.code, forgotten.stdout]).toEqual([0, expect.stringMatching(/^Forgotten: "shop"\./)]);
    expect(await shipmate('routes', 'forget', 'shop')).toMatchObject({
      code: 1,
      stderr: 'Nothing is remembered for "shop". To see what is: npm run shipmate -- routes\n',
    });
  });

  test('sessions failed lists dead letters of both kinds; redrive has them done again', async ({ expect }) => {
    expect((await shipmate('sessions', 'failed')).stdout).toBe('Nothing has failed for good.\n');
    const session = await plantSession(database.pool, { state: 'error' });
    const failed = { state: 'failed', error: 'no such state' };
    await plantEffect(database.pool, session, `${session.id}/run/1/review`, { kind: 'moveTicket' }, failed);
    await plantDelivery(database.pool, { outcome: 'failed: what is this' });
    const { stdout } = await shipmate('sessions', 'failed');
    expect(stdout).toContain(`run/1/review: no such state`);
    expect(stdout).toContain('To have one sent again: npm run shipmate -- sessions redrive TICKET');
    expect(stdout).toMatch(/board delivery \S+ .*: what is this/);

    expect((await shipmate('sessions', 'redrive')).stderr).toBe('Name a ticket, or say --deliveries.\n');
    const redriven = await shipmate('sessions', 'redrive', session.identifier, '--deliveries');
    expect(redriven.stdout).toBe('1 effect(s) are sent again.\n1 deliveries are sorted again.\n');
    const { rows } = await database.pool.query(
      "select (select count(*)::int from effects where state = 'pending') as effects, (select count(*)::int from deliveries where sorted_at is null and outcome is null) as deliveries",
    );
    expect(rows).toEqual([{ effects: 1, deliveries: 1 }]);
    expect((await shipmate('sessions', 'redrive', session.identifier)).stdout).toBe(
      `Nothing of ${session.identifier} has failed.\n`,
    );
  });

  test('a ticket that does not exist is said not to exist; one that was never assigned, how to assign it', async ({
    expect,
  }) => {
    for (const command of [['watch'], ['sessions', 'show'], ['sessions', 'stop'], ['sessions', 'redrive']]) {
      const { code, stderr } = await shipmate(...command, 'BOARD-999');
      expect(stderr).toBe(
        'There is no ticket "BOARD-999" on the board. `npm run shipmate -- tickets list` shows what is there.\n',
      );
      expect(code).toBe(1);
    }
    const name = (await shipmate('tickets', 'create', 'Nobody has it')).stdout.split(' ')[0] ?? '';
    expect((await shipmate('sessions', 'show', name)).stderr).toBe(
      `${name} has no session. Assign it: npm run shipmate -- tickets assign ${name}\n`,
    );
  });
});
