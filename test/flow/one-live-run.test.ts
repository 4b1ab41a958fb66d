import { afterAll, beforeAll, expect, test } from 'vitest';
import { conclude } from '../../src/flow/conclude.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { createLog } from '../../src/lib/log.ts';
import { markRead, unreadPrompts } from '../../src/store/prompts.ts';
import { claimRun } from '../../src/store/runs.ts';
import type { DeliveryBody } from '../../src/trackers/board/delivery.ts';
import { agent, type Intake, openIntake } from './intake.ts';

let intake: Intake;
beforeAll(async () => {
  intake = await openIntake();
});
afterAll(() => intake?.close());

const ada = { id: 'ada', name: 'Ada', isBot: false };
const ours = { id: agent, name: agent, isBot: true };
let made = 0;

function told(number: number, says: string | null): DeliveryBody {
  const id = `BOARD-${number}/${++made}`;
  const at = new Date(Date.UTC(2026, 3, 1) + made * 1000).toISOString();
  const common = {
    id,
    at,
    actor: ada,
    ticket: { number, title: `Ticket ${number}`, state: 'Todo' as const, assignee: ours },
  };
  if (says === null) return { ...common, event: 'ticket.assigned', previousAssignee: null };
  return { ...common, event: 'comment.created', comment: { id: `comment-${made}`, body: says, at } };
}

/** What the end of a run needs of its worker. */
const worker = (failpoint: (name: string) => void = () => {}) =>
  ({
    db: intake.db,
    policy: { runsPerHour: null, approval: { by: [] } },
    repositories: new Map(),
    wake: () => {},
    failpoint,
    log: createLog({ level: 'silent', format: 'json', secrets: [] }),
  }) as unknown as RunDeps;

async function claim(number: number) {
  const run = await claimRun(intake.db, 'host:1:1');
  if (run?.ticket !== `BOARD-${number}`) throw new Error(`claimed ${run?.ticket}, not BOARD-${number}`);
  return run;
}

const runsOf = async (number: number) => {
  const { rows } = await intake.pool.query(
    `select r.number, r.outcome ->> 'stopReason' as ended from runs r join sessions s on s.id = r.session_id
     join tickets t on t.id = s.ticket_id where t.external_id = $1 order by r.number`,
    [String(number)],
  );
  return rows.map(({ ended }) => ended);
};

const finished = { stopReason: 'needsInput', message: 'Which one?' } as const;

test('the constraint itself allows one live run of a session', async () => {
  await intake.accept(told(1, null));
  await intake.sort();
  const second = intake.pool.query(
    `insert into runs (id, session_id, number) select gen_random_uuid(), session_id, 2 from runs limit 1`,
  );
  await expect(second).rejects.toThrow('runs_one_live');
  const run = await claim(1);
  await conclude(worker(), run, finished, { work: null });
});

test('what is said in the very moment of the end is heard, before it commits and after', async () => {
  await intake.accept(told(2, null));
  await intake.sort();
  const run = await claim(2);
  // The end is written and holds the session's lock; sort waits for it.
  let sorting: Promise<void> | null = null;
  const ended = await conclude(
    worker((name) => {
      if (name === 'conclude/mid') sorting = intake.accept(told(2, 'Just one more thing')).then(() => intake.sort());
    }),
    run,
    finished,
    { work: null },
  );
  await sorting;
  expect([ended, await runsOf(2)]).toEqual([true, ['needsInput', null]]);

  // Said a moment earlier: the run does not end, but reads it.
  const second = await claim(2);
  expect(await conclude(worker(), second, finished, { work: null })).toBe(false);
  const unread = await unreadPrompts(intake.db, second.sessionId);
  expect(unread.map(({ body }) => body)).toEqual(['Just one more thing']);
  await intake.db.transaction().execute((tx) =>
    markRead(
      tx,
      unread.map(({ id }) => id),
      null,
    ),
  );
  expect(await conclude(worker(), second, finished, { work: null })).toBe(true);
  expect(await runsOf(2)).toEqual(['needsInput', 'needsInput']);
});

test('a ticket that is given back while its run is being stopped goes on; one that is stopped after its words does not', async () => {
  await intake.accept(told(3, null));
  await intake.sort();
  const run = await claim(3);
  const taken: DeliveryBody = {
    ...told(3, null),
    event: 'ticket.unassigned',
    ticket: { number: 3, title: 'Ticket 3', state: 'Todo', assignee: null },
    previousAssignee: ours,
  };
  await intake.acceptAll([taken, told(3, null)]);
  await intake.sort();
  await conclude(worker(), run, { stopReason: 'stopped', message: '' }, { work: null });
  expect(await runsOf(3)).toEqual(['stopped', null]);

  const second = await claim(3);
  await intake.acceptAll([told(3, 'Use UTC'), told(3, 'stop')]);
  await intake.sort();
  await conclude(worker(), second, finished, { work: null });
  expect(await runsOf(3)).toEqual(['stopped', 'stopped']);
  await intake.accept(told(3, 'continue'));
  await intake.sort();
  const third = await claim(3);
  expect((await unreadPrompts(intake.db, third.sessionId)).map(({ body }) => body)).toEqual(['Use UTC', 'continue']);
  await intake.db.transaction().execute((tx) => tx.updateTable('prompts').set({ read_at: new Date() }).execute());
  await conclude(worker(), third, finished, { work: null });
  expect(await runsOf(3)).toEqual(['stopped', 'stopped', 'needsInput']);
});

test('an assignment that is repeated under another id starts nothing on a session that rests; a new one does', async () => {
  const given = told(4, null);
  await intake.accept(given);
  await intake.sort();
  await conclude(worker(), await claim(4), finished, { work: null });
  await intake.acceptAll([
    { ...given, id: 'again/1' },
    { ...given, id: 'again/2' },
  ]);
  await intake.sort();
  expect(await runsOf(4)).toEqual(['needsInput']);
  await intake.accept(told(4, null));
  await intake.sort();
  expect(await runsOf(4)).toEqual(['needsInput', null]);
  await conclude(worker(), await claim(4), finished, { work: null });
});

test('a failed run is not begun again by what was said before its end', async () => {
  await intake.accept(told(5, null));
  await intake.sort();
  const run = await claim(5);
  const said = told(5, 'Hurry up');
  await intake.accept(said);
  await intake.sort();
  await conclude(worker(), run, { stopReason: 'failed', message: 'No repository.' }, { work: null });
  await intake.accept({ ...said, id: 'again/3' });
  await intake.sort();
  expect(await runsOf(5)).toEqual(['failed']);
  await intake.accept(told(5, 'continue'));
  await intake.sort();
  const next = await claim(5);
  expect((await unreadPrompts(intake.db, next.sessionId)).map(({ body }) => body)).toEqual(['Hurry up', 'continue']);
});
