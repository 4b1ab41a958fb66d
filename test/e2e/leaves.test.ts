import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Setup, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [sleep 8]\n' };
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const finish = '{ tool: finish, input: { title: Add a file, summary: It was wanted. } }';
const script = `
tickets:
  A long tool call:
    - calls: [${write('a.md')}, { tool: bash, input: { command: "[ -e /tmp/again ] || sleep 600" } }]
    - calls: [${finish}]
    - calls: [${finish}]
  A slow model:
    - calls: [${write('a.md')}]
    - { delay: 6000, calls: [${finish}] }
  In verification:
    - calls: [${write('a.md')}, ${finish}]
`;

/** What each is about to do, as its activities or steps say. */
const situations: [title: string, begun: string][] = [
  ['A long tool call', "kind = 'tool' and key like '%bash' and completed_at is null"],
  ['A slow model', "kind = 'model' and key = 'turn:2' and completed_at is null"],
  ['In verification', "kind = 'verify' and completed_at is null"],
];

describe('SIGTERM to a worker', () => {
  let setup: Setup;
  beforeAll(async () => {
    setup = await startSetup({ script, files });
  });
  afterAll(() => setup?.stop());

  test.for(situations)(
    '%s: it leaves within 30 s with its work saved, and the next goes on at once',
    {
      timeout: 200_000,
    },
    async ([title, begun], { expect }) => {
      const { pool } = setup.database;
      const { identifier } = await setup.app.desk.createTicket(
        { title, assignee: setup.config.trackers.board.agent },
        someone,
      );
      const ask = async (sql: string) =>
        (
          await pool.query(
            `select ${sql} as found from runs r join sessions s on s.id = r.session_id join tickets t on t.id = s.ticket_id
           where t.identifier = $1`,
            [identifier],
          )
        ).rows[0]?.found;
      const first = setup.start('worker');
      await expect
        .poll(() => ask(`exists (select 1 from steps where run_id = r.id and ${begun})`), { timeout: 60_000 })
        .toBe(true);
      await delay(500); // a moment inside what runs
      const since = performance.now();
      first.kill('SIGTERM');
      expect(await first.ended).toBe(0);
      const leftMs = performance.now() - since;
      expect(await ask('r.worker is null and r.ended_at is null')).toBe(true);
      expect(await ask('exists (select 1 from snapshots where run_id = r.id)')).toBe(true);

      const second = setup.start('worker');
      await second.said('running');
      const ready = performance.now();
      await expect.poll(() => ask('r.attempt'), { timeout: 60_000 }).toBe(2);
      console.log(
        `${title}: left ${Math.round(leftMs)} ms after SIGTERM; taken up ${Math.round(performance.now() - ready)} ms after the next was ready`,
      );
      expect(leftMs).toBeLessThan(30_000);
      if (title === 'A long tool call') second.kill('SIGKILL');
      else {
        const view = await setup.rest(identifier);
        expect(view.state).toBe('complete');
        expect(view.runs).toHaveLength(1);
        expect(await ask('cardinality(r.lost_workers)')).toBe(0);
        second.kill('SIGTERM');
      }
      await second.ended;
    },
  );

  test('a request in flight is finished; a second signal waits for nothing', { timeout: 100_000 }, async ({
    expect,
  }) => {
    for (const again of [false, true]) {
      const web = setup.start('web');
      await web.said('running');
      const url = new URL(String(web.log().find(({ msg }) => msg.includes('running'))?.url));
      const socket = connect(Number(url.port), url.hostname);
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk.toString('utf8');
      });
      socket.on('error', () => {});
      socket.write('POST /webhooks/board HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nab');
      await delay(300); // it has arrived
      web.kill('SIGTERM');
      await web.said('stopping');
      await expect(fetch(url)).rejects.toThrow();
      if (again) web.kill('SIGINT');
      else socket.write('cd');
      expect(await web.ended).toBe(again ? 'SIGINT' : 0);
      expect(answer.slice(0, 12)).toBe(again ? '' : 'HTTP/1.1 401');
    }
  });
});
