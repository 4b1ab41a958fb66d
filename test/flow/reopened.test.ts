import { describe, test } from 'vitest';
import { VendorError } from '../../src/core/vendor-error.ts';
import { tellFailed } from '../../src/flow/tell-failed.ts';
import type { ClaimedEffect } from '../../src/store/effects.ts';
import { lockSession } from '../../src/store/sessions.ts';
import { someone } from '../support/service.ts';
import {
  database,
  db,
  deliver,
  deps,
  desk,
  endRuns,
  file,
  net,
  query,
  round,
  said,
  sort,
  states,
  useBoard,
  violations,
  waitForAnswer,
} from './reconciling.ts';

useBoard();

const liveRuns = async () => (await query('select number from runs where ended_at is null')).rows;
const isOpenAgain = (body: string) => body.startsWith('The ticket is open again');

describe('a ticket that is closed and opened again', () => {
  test('while it waited for an answer: it goes on, however often and in whatever order that is told', async ({
    expect,
  }) => {
    const names = await file(3);
    await sort();
    await waitForAnswer();
    const [inOrder = '', late = '', unheard = ''] = names;
    await desk.move(inOrder, 'Done', someone);
    await sort();
    expect((await said()).at(-1)).toContain('Reopen the ticket to go on from here.');
    await desk.move(inOrder, 'Todo', someone);
    net.loses = () => true;
    await desk.move(late, 'Done', someone);
    await desk.move(late, 'Todo', someone);
    const [closed, opened] = net.lost.splice(0);
    if (!closed || !opened) throw new Error('nothing was told');
    for (const delivery of [opened, closed, opened, closed]) {
      const tx = await database.pool.connect();
      await deliver(tx, delivery);
      tx.release();
    }
    await sort();
    await desk.move(unheard, 'Done', someone);
    await round(deps);
    await desk.move(unheard, 'Todo', someone);
    await round(deps);
    await round(deps);
    expect(await states()).toEqual(['active', 'active', 'active']);
    expect(await liveRuns()).toEqual([{ number: 2 }, { number: 2 }, { number: 2 }]);
    expect((await said()).filter(isOpenAgain)).toEqual(
      Array(3).fill('The ticket is open again: I go on from where things stand.'),
    );
    await waitForAnswer();
    await round(deps);
    expect([await states(), await liveRuns()]).toEqual([['awaitingInput', 'awaitingInput', 'awaitingInput'], []]);
  });

  test('when what people said has been read, and its run was not at its end: another one follows', async ({
    expect,
  }) => {
    const [name = ''] = await file(1);
    await sort();
    await waitForAnswer();
    await desk.comment(name, 'Red', someone);
    await sort();
    await query('update prompts set read_at = now()');
    await desk.move(name, 'Done', someone);
    await sort();
    await desk.move(name, 'Todo', someone);
    await sort();
    expect([await states(), await liveRuns()]).toEqual([['active'], [{ number: 3 }]]);
  });

  test('after its work was finished, or stopped by people: it rests, and says once how to go on', async ({
    expect,
  }) => {
    const [finished = '', halted = ''] = await file(2);
    await sort();
    await endRuns('complete', { stopReason: 'finished', message: 'Done.' });
    await desk.comment(halted, 'More', someone);
    await sort();
    await desk.comment(halted, 'stop', someone);
    for (const name of [finished, halted]) {
      await desk.move(name, 'Done', someone);
      await sort();
      await desk.move(name, 'Todo', someone);
      await desk.editTicket(name, { description: 'As of today.' }, someone);
      await sort();
    }
    expect([await states(), await liveRuns()]).toEqual([['complete', 'stopped'], []]);
    expect((await said()).filter(isOpenAgain)).toEqual([
      expect.stringContaining('My work on it was finished, so I rest: say what is to be done, or "continue"'),
      expect.stringContaining('I was told to stop, so I rest'),
    ]);
    expect((await violations()).filter(({ check }) => check === 'wish is heard')).toEqual([]);
    for (const name of [finished, halted]) await desk.comment(name, 'continue', someone);
    await sort();
    expect(await states()).toEqual(['active', 'active']);
  });
});

test.for([
  [
    'one of ours that people have moved',
    'c'.repeat(40),
    'My work is kept. Say "continue": I look at what became of the branch and its pull request',
  ],
  ['a name that somebody else has', null, 'Rename or delete the branch shipmate/x, then say "continue".'],
])('a branch that could not be pushed, %s: what helps', async ([, head, remedy], { expect }) => {
  await file(1);
  await sort();
  await query("update sessions set branch = 'shipmate/x', head_commit = $1", [head]);
  const { rows } = await query('select id from sessions');
  const operation = { kind: 'pushBranch', id: 'e', repository: 'web', branch: 'shipmate/x' };
  const effect = { key: 'push', redrives: 0, operation } as unknown as ClaimedEffect;
  const error = new VendorError('It is elsewhere.', { code: 'conflict', retryable: false });
  await db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, rows[0].id);
    if (session) await tellFailed(tx, session, effect, error);
  });
  const told = (await said()).at(-1);
  expect(told).toContain(remedy);
  expect(told?.includes('delete the branch')).toBe(head === null);
});
