import { afterAll, beforeAll, describe, test } from 'vitest';
import { defaultFieldNames } from '../../src/core/ticket-facts.ts';
import { fileParts } from '../../src/flow/file-parts.ts';
import { readReading } from '../../src/store/overviews.ts';
import { findSessionByIdentifier } from '../../src/store/sessions.ts';
import { type Setup, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const answer = (text: string) => `
    - calls: [{ tool: finish, input: { title: T, summary: s, answer: ${text} } }]`;
const script = `
tickets:
  "Task: first.": ${answer('Done.')}
  "Part one.": ${answer('Done.')}
  "Part two.": ${answer('Done.')}
  "Part three.": ${answer('Done.')}
  "Task: whole.": ${answer('I would do it in three parts.')}
`;

let setup: Setup;
beforeAll(async () => {
  setup = await startSetup({
    parts: [],
    script,
    files: { 'a.txt': 'a\n', '.shipmate.yml': 'verify: [test -s a.txt]\n' },
  });
});
afterAll(() => setup?.stop());

const desk = () => setup.app.desk;
const file = async (title: string) =>
  (await desk().createTicket({ title, description: `Task: ${title}.` }, someone)).identifier;
const give = (ticket: string) => desk().assign(ticket, setup.config.trackers.board.agent, someone);
const query = async (text: string, values: unknown[] = []) => (await setup.database.pool.query(text, values)).rows;

describe('the service is killed', () => {
  test('what waits begins after a restart, also when the word that it may was lost', async ({ expect }) => {
    const before = setup.start('start');
    const [told, lost] = [await file('blocks one'), await file('blocks another')];
    const [heard, missed] = [await file('first'), await file('first')];
    await desk().relate(told, 'blocks', heard, someone);
    await desk().relate(lost, 'blocks', missed, someone);
    for (const ticket of [heard, missed]) await give(ticket);
    for (const ticket of [heard, missed])
      expect((await setup.rest(ticket)).runs[0]?.outcome?.stopReason).toBe('waiting');
    before.kill('SIGKILL');
    await before.ended;
    await desk().move(told, 'Done', someone);
    await query("update board_tickets set state = 'Done' where number = $1", [lost.replace('BOARD-', '')]);

    const after = setup.start('start');
    for (const ticket of [heard, missed]) expect((await setup.rest(ticket, 2)).state).toBe('complete');
    after.kill('SIGTERM');
    await after.ended;
  });

  test('as it files sub-tickets and takes them: each is there once, and worked on once', { timeout: 120_000 }, async ({
    expect,
  }) => {
    const whole = await file('whole');
    await give(whole);
    const victim = (point: string) => setup.start('start', { env: { SHIPMATE_FAILPOINTS: `effect/${point}:kill` } });
    let service = victim('createTicket/mid');
    await setup.rest(whole);
    const session = await findSessionByIdentifier(setup.app.db, whole);
    const ticket = session && (await readReading(setup.app.db, session.ticketId));
    if (!ticket) throw new Error('it was never read');
    const part = { repository: null, after: [] };
    const parts = [
      { ...part, title: 'Part one', description: 'Part one.' },
      { ...part, title: 'Part two', description: 'Part two.', after: [0, 2] },
      { ...part, title: 'Part three', description: 'Part three.' },
    ];
    const stage = { sessionId: session.id, runId: null, stepId: null, conversation: null };
    // A proposal that is approved twice is filed once.
    for (let times = 0; times < 2; times++)
      await setup.app.db.transaction().execute((tx) => fileParts(tx, stage, ticket, parts, defaultFieldNames));

    expect(await service.ended).toBe('SIGKILL');
    for (const point of ['createTicket/after', 'createTicket/settled', 'takeTicket/after', 'takeTicket/settled'])
      expect(await victim(point).ended, point).toBe('SIGKILL');
    service = setup.start('start');
    const filed = () =>
      query('select number, title, assignee from board_tickets where title like $1 order by title', ['Part %']);
    const { agent } = setup.config.trackers.board;
    await expect
      .poll(async () => (await filed()).map(({ title, assignee }) => [title, assignee?.id]), { timeout: 10_000 })
      .toEqual([
        ['Part one', agent],
        ['Part three', agent],
        ['Part two', agent],
      ]);
    const [one, three, two] = (await filed()).map(({ number }) => `BOARD-${number}`);
    const runs = async (name = '') => (await setup.rest(name)).runs.map((run) => run.outcome?.stopReason);
    expect([await runs(one), await runs(two), await runs(three)]).toEqual([['finished'], ['waiting'], ['finished']]);
    for (const name of [one, three]) await desk().move(name ?? '', 'Done', someone);
    expect((await setup.rest(two ?? '', 2)).state).toBe('complete');
    await desk().move(two ?? '', 'Done', someone);
    await expect.poll(async () => (await desk().show(whole)).ticket.state.name, { timeout: 10_000 }).toBe('Done');
    expect((await setup.rest(whole)).runs.map((run) => run.outcome?.stopReason)).toEqual([
      'finished',
      'waiting',
      'finished',
    ]);
    service.kill('SIGTERM');
    await service.ended;
  });
});
