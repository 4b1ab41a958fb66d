import { afterAll, beforeAll, describe, test } from 'vitest';
import { processesNaming, someone, startTestService, type TestService } from '../support/service.ts';

const tickets = 5;
const stopsEach = Number(process.env.STOPS ?? 20) / tickets;
const turns = 200;
const titleOf = (ticket: number) => `Never ends ${String.fromCharCode(65 + ticket)}.`;
/** No other process of this machine sleeps this long. */
const napOf = (ticket: number) => `sleep ${40_000 + ticket}.${process.pid}`;

/** Each turn changes a file, leaves a process behind, and shows a plan; no two are alike. */
function turnOf(ticket: number, turn: number): string {
  const command = `(${napOf(ticket)} &) ; echo ${turn} >> log.txt; wc -l < log.txt; sleep 0.1`;
  const bash = `{ tool: bash, input: { command: "${command}" } }`;
  const steps = `[{ content: Begin, status: completed }, { content: Turn ${turn}, status: inProgress }]`;
  return `    - { delay: 30, calls: [{ tool: update_plan, input: { steps: ${steps} } }, ${bash}] }`;
}
const scriptOf = (ticket: number) =>
  [`  "${titleOf(ticket)}":`, ...Array.from({ length: turns }, (_, turn) => turnOf(ticket, turn))].join('\n');
const script = `tickets:\n${Array.from({ length: tickets }, (_, ticket) => scriptOf(ticket)).join('\n')}\n`;

describe('a stop, at any moment in the life of a run', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
      change: (config) => ({
        ...config,
        worker: { ...config.worker, slots: 4 },
        policy: { ...config.policy, runsPerHour: null },
        budget: { ...config.budget, turns: null, minutes: null },
      }),
    });
  });
  afterAll(() => service?.stop());

  const query = async (text: string, values: unknown[] = []) => (await service.database.pool.query(text, values)).rows;

  async function toolSteps(identifier: string, run: number): Promise<number> {
    const [found] = await query(
      `select count(*)::int as n from steps s join runs r on r.id = s.run_id join sessions e on e.id = r.session_id
       join tickets t on t.id = e.ticket_id
       where t.identifier = $1 and r.number = $2 and s.kind = 'tool' and s.completed_at is not null`,
      [identifier, run],
    );
    return found.n;
  }

  test(`${tickets * stopsEach} stops: nothing begins, runs on or is shown after them but one closing activity`, async ({
    expect,
  }) => {
    const { desk } = service.app;
    const waits: number[] = [];
    const moments = new Map<string, number>();

    async function stopAgainAndAgain(ticket: number): Promise<void> {
      const assignee = service.config.trackers.board.agent;
      const { identifier } = await desk.createTicket({ title: titleOf(ticket), assignee }, someone);
      for (let stop = 1; stop <= stopsEach; stop++) {
        if (stop > 1) await desk.comment(identifier, 'continue', someone);
        // Every second is at work by then; the others are anywhere from their queue on.
        const steps = stop % 2 === 0 ? 2 + Math.floor(5 * Math.random()) : 0;
        await expect.poll(() => toolSteps(identifier, stop), { timeout: 300_000 }).toBeGreaterThanOrEqual(steps);
        await new Promise((resolve) => setTimeout(resolve, 1500 * Math.random()));
        const since = performance.now();
        await desk.comment(identifier, 'stop', someone);
        const view = await service.rest(identifier, stop);
        waits.push(performance.now() - since);
        expect([view.state, view.runs.at(-1)?.outcome?.message]).toEqual(['stopped', 'Stopped, as you asked.']);
        expect(await processesNaming(napOf(ticket))).toEqual([]);
        const [at] = await query(
          `select r.started_at is null as queued, (select count(*)::int from steps s where s.run_id = r.id) as steps
           from runs r where session_id = $1 and number = $2`,
          [view.id, stop],
        );
        const moment = at.queued ? 'queued' : at.steps === 0 ? 'being prepared' : 'at work';
        moments.set(moment, (moments.get(moment) ?? 0) + 1);
        const { activities } = await desk.show(identifier);
        const last = activities.at(-1)?.activity;
        expect(last).toMatchObject({ type: 'response', body: expect.stringMatching(/^Stopped, as you asked\./) });
        expect(activities.filter(({ activity }) => activity.type === 'response')).toHaveLength(stop);
        if (at.steps > 3) expect(JSON.stringify(last)).toMatch(/1 of 2 steps are done.*`log\.txt`.*Say \\"continue\\"/);
      }
    }
    await Promise.all(Array.from({ length: tickets }, (_, ticket) => stopAgainAndAgain(ticket)));

    const late = await query(
      `select s.key, s.begun_at - r.stop_requested_at as after from steps s join runs r on r.id = s.run_id
       where s.begun_at > r.stop_requested_at`,
    );
    expect(late).toEqual([]);
    // What was written after the signal, and left: the closing words, and the plan as it was left.
    const shown = await query(
      `select e.key, e.created_at - r.stop_requested_at as after from effects e join runs r on r.id = e.run_id
       where e.state = 'done' and e.created_at > r.stop_requested_at and e.key not like '%/ended/%'`,
    );
    expect(shown).toEqual([]);
    const closings = await query(
      `select count(*)::int as n from effects where state = 'done' and key like '%/ended/activity/0'`,
    );
    expect(closings).toEqual([{ n: tickets * stopsEach }]);
    waits.sort((a, b) => a - b);
    const at = (part: number) => Math.round(waits[Math.floor(part * (waits.length - 1))] ?? 0);
    const where = [...moments].map(([moment, count]) => `${count} ${moment}`).join(', ');
    console.log(`${waits.length} stops (${where}): closed after ${at(0.5)} ms (median), ${at(1)} ms at most`);
    expect(moments.get('at work')).toBeGreaterThanOrEqual(tickets * Math.floor(stopsEach / 2));
  }, 600_000);

  test('after a stop the next run sees the earlier turns, and the files as they were left', async ({ expect }) => {
    const [session] = await query(
      `select session_id as id from steps where kind = 'tool' group by session_id order by count(*) desc limit 1`,
    );
    const results = await query(
      `select r.number, (s.result ->> 'text')::text as text from steps s join runs r on r.id = s.run_id
       where s.session_id = $1 and s.kind = 'tool' and s.completed_at is not null and s.key like '%bash' order by s.seq`,
      [session.id],
    );
    const counts = results.map(({ text }) => Number(/^\s*(\d+)/.exec(text)?.[1]));
    // The file grows from run to run: no run began again from nothing.
    expect(counts.length).toBeGreaterThan(2);
    expect(counts.toSorted((a, b) => a - b)).toEqual(counts);
    expect(new Set(results.map(({ number }) => number)).size).toBeGreaterThan(1);
  });
});
