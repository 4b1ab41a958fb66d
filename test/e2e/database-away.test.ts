import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database-proxy.ts';
import { type Setup, startPart, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

/** Longer than the silence after which a run is somebody else's. The promise is a minute. */
const awaySeconds = Number(process.env.AWAY_SECONDS ?? 12);
const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const script = `
replies:
  - calls: [${write('a.md')}, { tool: bash, input: { command: sleep 3 } }]
  - calls: [${write('b.md')}, { tool: bash, input: { command: sleep ${awaySeconds + 6} } }]
  - calls: [${write('c.md')}, { tool: bash, input: { command: sleep 1 } }]
  - calls: [{ tool: finish, input: { title: Add three files, summary: Three files were wanted. } }]
`;

describe('a PostgreSQL that goes away in the middle of everything', () => {
  let setup: Setup;
  let proxy: DatabaseProxy;
  beforeAll(async () => {
    proxy = await startDatabaseProxy();
    setup = await startSetup({ script, files, parts: [] });
  });
  afterAll(async () => {
    await setup?.stop();
    await proxy?.goAway();
  });

  test(`for ${awaySeconds} s: runs, posts and webhooks go on by themselves, one line tells of it, nothing is lost`, {
    timeout: 300_000,
  }, async ({ expect }) => {
    const through = { databaseUrl: proxy.url(setup.database.url) };
    const parts = [setup.start('start', through), setup.start('worker', through)];
    await Promise.all(parts.map((part) => part.said('running')));
    const url = parts[0]?.log().find(({ msg }) => msg.includes('running'))?.url as string;
    const post = () => fetch(`${url}/webhooks/board`, { method: 'POST', body: '{}' }).then(({ status }) => status);
    const assignee = setup.config.trackers.board.agent;
    const file = async (title: string) => (await setup.app.desk.createTicket({ title, assignee }, someone)).identifier;
    const tickets = [await file('First'), await file('Second'), await file('Third')];
    const { pool } = setup.database;
    const count = async (sql: string) => Number((await pool.query(`select count(*) as n from ${sql}`)).rows[0].n);
    await expect
      .poll(() => count("steps where key like 'turn:2/1%' and completed_at is null"), { timeout: 60_000 })
      .toBeGreaterThan(0);
    await proxy.goAway();
    tickets.push(await file('Filed meanwhile')); // by way of another connection
    expect(await post()).toBe(503);
    await delay(awaySeconds * 1000); // an outage is a length of time
    expect((await fetch(`${url}/health`)).status).toBe(503);
    await proxy.comeBack();
    for (const identifier of tickets) {
      const view = await setup.rest(identifier);
      expect([identifier, view.state, view.unsent]).toEqual([identifier, 'complete', []]);
      const shown = await setup.app.desk.show(identifier);
      expect(shown.activities.filter(({ activity }) => activity.type === 'response')).toHaveLength(1);
      expect(shown.attachments).toHaveLength(1);
    }
    expect(await count('runs')).toBe(tickets.length);
    expect(await count("runs where lost_workers <> '{}'"), 'nobody fell').toBe(0);
    const { rows } = await pool.query('select sum(attempt)::int as n from runs');
    for (const part of parts) {
      const away = part.log().filter(({ msg }) => msg.includes('does not answer; what is under way'));
      const loud = part.log().filter(({ level }) => level === 'warn' || level === 'error');
      console.log(
        `${rows[0].n} attempts of 4 runs; ${loud.length} lines of warning: ${loud.map(({ msg }) => msg).join(' | ')}`,
      );
      expect(away).toHaveLength(1);
      expect(loud.length).toBeLessThan(20);
      part.kill('SIGTERM');
      expect(await part.ended).toBe(0);
    }
  });

  test('an embedded server that is killed is started again, and the service goes on', { timeout: 400_000 }, async ({
    expect,
  }) => {
    const yaml = { dataDir: join(setup.dir, 'embedded'), http: { port: 0 } };
    await writeFile(join(setup.dir, 'embedded.yaml'), JSON.stringify({ ...yaml, model: setup.config.model }));
    for (const command of ['web', 'start'] as const) {
      const part = startPart({ command, dir: setup.dir, args: ['-c', 'embedded.yaml'] });
      onTestFinished(() => part.kill('SIGKILL'));
      await part.said('running');
      const url = part.log().find(({ msg }) => msg.includes('running'))?.url as string;
      const health = () =>
        fetch(`${url}/health`).then(
          ({ status }) => status,
          () => 0,
        );
      const server = async () =>
        Number((await readFile(join(yaml.dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
      for (let times = 0; times < 2; times++) {
        await expect.poll(health, { timeout: 30_000 }).toBe(200);
        const before = await server();
        process.kill(before, 'SIGKILL');
        await expect.poll(server, { timeout: 70_000 }).not.toBe(before);
        await expect.poll(health, { timeout: 30_000 }).toBe(200);
      }
      part.kill('SIGTERM');
      expect(await part.ended).toBe(0);
      await expect(server()).rejects.toThrow('ENOENT');
    }
  });
});
