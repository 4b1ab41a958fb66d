import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { copyAsFirstVersion } from '../support/first-version.ts';
import { type Setup, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const root = join(import.meta.dirname, '../..');
/** The last version before the workers of this one. */
const previous = 'ab6f101';
const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const script = `
replies:
  - calls: [${write('a.md')}]
  - calls: [${write('b.md')}]
  - { until: killed, calls: [${write('c.md')}] }
  - calls: [{ tool: finish, input: { title: Add three files, summary: Three files were wanted. } }]
`;

function hasPrevious(): boolean {
  try {
    execFileSync('git', ['-C', root, 'cat-file', '-e', `${previous}^{commit}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether the model is asked for its third reply, and what the first two wrote is saved. */
async function thirdTurn(setup: Setup, identifier: string): Promise<boolean> {
  const { rows } = await setup.database.pool.query(
    `select from steps t join sessions s on s.id = t.session_id join tickets i on i.id = s.ticket_id
     where i.identifier = $1 and t.key = 'turn:3' and (select max(step_seq) from snapshots n where n.session_id = s.id)
       >= (select max(seq) from steps w where w.session_id = s.id and w.kind = 'tool')`,
    [identifier],
  );
  return rows.length > 0;
}

/** One run in two attempts, with nothing made twice. */
async function expectDone(setup: Setup, identifier: string, expect: import('vitest').ExpectStatic) {
  const view = await setup.rest(identifier);
  expect([view.state, view.runs.length, view.runs[0]?.attempts, view.unsent]).toEqual(['complete', 1, 2, []]);
  expect(view.usage.calls, 'no completed model call was made again').toBe(4);
  expect(await setup.git('diff', '--name-only', `main...${view.branch}`)).toBe('a.md\nb.md\nc.md');
  const shown = await setup.app.desk.show(identifier);
  expect(shown.activities.filter(({ activity }) => activity.type === 'response')).toHaveLength(1);
}

describe('a deploy in the middle of a run', () => {
  describe.skipIf(!hasPrevious())(
    hasPrevious() ? 'from the version before' : `from the version before (skipped: ${previous} is not in this clone)`,
    () => {
      let setup: Setup;
      let old: string;
      beforeAll(async () => {
        old = await mkdtemp(join(tmpdir(), 'shipmate-previous-'));
        execFileSync('sh', ['-c', 'git -C "$1" archive "$2" | tar -x -C "$3"', 'sh', root, previous, old]);
        await symlink(join(root, 'node_modules'), join(old, 'node_modules'));
        setup = await startSetup({ script, files });
      });
      afterAll(async () => {
        await setup?.stop();
        await rm(old, { recursive: true, force: true });
      });

      test.for(['SIGTERM', 'SIGKILL'] as const)(
        'an old worker beside the new schema works; after %s this version finishes',
        {
          timeout: 120_000,
        },
        async (signal, { expect }) => {
          const before = setup.start('worker', { from: old });
          await before.said('running');
          const assignee = setup.config.trackers.board.agent;
          const { identifier } = await setup.app.desk.createTicket({ title: `By ${signal}`, assignee }, someone);
          await expect
            .poll(async () => (await setup.app.sessions.view(identifier))?.usage.calls, { timeout: 60_000 })
            .toBe(2);
          await expect.poll(() => thirdTurn(setup, identifier), { timeout: 60_000 }).toBe(true);
          // Beside each other: the new one leaves a run alone whose old worker lives.
          const after = setup.start('worker');
          await after.said('running');
          before.kill(signal);
          await before.ended;
          await setup.letGo('killed');
          await expectDone(setup, identifier, expect);
          await rm(join(setup.dir, 'killed'));
          after.kill('SIGTERM');
          await after.ended;
        },
      );
    },
  );

  test('a database as the first version wrote it, in the middle of a run, is brought up to date and the run finished', {
    timeout: 120_000,
  }, async ({ expect }) => {
    const setup = await startSetup({ script, files, parts: [] });
    const name = `first_${process.pid}`;
    const admin = new pg.Client({ connectionString: inject('postgresUrl').replace('/shipmate?', '/postgres?') });
    await admin.connect();
    try {
      const assignee = setup.config.trackers.board.agent;
      const { identifier } = await setup.app.desk.createTicket({ title: 'From the first', assignee }, someone);
      const first = setup.start('start');
      await expect
        .poll(async () => (await setup.app.sessions.view(identifier))?.usage.calls, { timeout: 60_000 })
        .toBe(2);
      await expect.poll(() => thirdTurn(setup, identifier), { timeout: 60_000 }).toBe(true);
      first.kill('SIGKILL');
      await first.ended;
      await setup.letGo('killed');
      // One that was sent, and of which nobody was told any more: it is sent again, and seen once.
      await setup.database.pool.query(
        "update effects set state = 'pending', settled_at = null, lease = null where id = (select id from effects where state = 'done' order by seq limit 1)",
      );

      await admin.query(`create database ${name} template template0`);
      const databaseUrl = setup.database.url.replace(/\/test_\w+\?/, `/${name}?`);
      await copyAsFirstVersion(setup.database.pool, databaseUrl);
      const copy = new pg.Client({ connectionString: databaseUrl });
      copy.on('error', () => {}); // a test that fails drops what it looks at
      await copy.connect();
      const ask = async (sql: string) => (await copy.query(sql)).rows;
      expect(await ask('select name from migrations')).toEqual([{ name: '0001_initial' }]);
      const shown = await ask('select count(*)::int as n from board_activities');
      const second = setup.start('start', { databaseUrl });
      await expect.poll(() => ask('select state from sessions'), { timeout: 60_000 }).toEqual([{ state: 'complete' }]);
      await expect
        .poll(() => ask("select count(*)::int as n from effects where state = 'pending'"), { timeout: 60_000 })
        .toEqual([{ n: 0 }]);
      expect(await ask("select count(*)::int as n from steps where kind = 'model'")).toEqual([{ n: 4 }]);
      expect(await ask('select attempt, priority, team, lost_workers from runs')).toEqual([
        { attempt: 2, priority: 4, team: '', lost_workers: [expect.any(String)] },
      ]);
      expect(await ask('select head from local_git_pull_requests')).toHaveLength(1);
      expect((await ask('select distinct id from board_activities')).length).toBeGreaterThan(shown[0].n);
      second.kill('SIGTERM');
      expect(await second.ended).toBe(0);
      await copy.end();
    } finally {
      await setup.stop();
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.end();
    }
  });
});
