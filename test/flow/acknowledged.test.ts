import { expect, test } from 'vitest';
import { type PostDeps, postEffects } from '../../src/flow.ts';
import { claimRun } from '../../src/store/runs.ts';
import { findSessionByIdentifier } from '../../src/store/sessions.ts';
import { someone } from '../support/service.ts';
import {
  database,
  db,
  deliver,
  deps,
  desk,
  file,
  net,
  never,
  query,
  sort,
  useBoard,
  violations,
} from './reconciling.ts';

useBoard();

const noted = 'Noted; I will take it into account at my next step.';
const posting = { codeHosts: new Map(), repositories: new Map(), workspaces: {}, worker: 'w', inHand: new Set() };
const post = () => postEffects({ ...deps, ...posting } as unknown as PostDeps, never);

/** A ticket that a worker is at. */
async function atWork(): Promise<string> {
  const [ticket = ''] = await file(1);
  await sort();
  await claimRun(db, 'w1');
  await post();
  return ticket;
}

/** What has arrived on a ticket since "On it". */
async function arrived(ticket: string): Promise<string[]> {
  const { activities } = await desk.show(ticket);
  return activities.flatMap(({ activity }) => (activity.type === 'thought' ? [activity.body] : [])).slice(1);
}

/** As if the agent had shown something. */
async function showsSomething(ticket: string): Promise<void> {
  const session = await findSessionByIdentifier(db, ticket);
  await query(
    `insert into effects (id, session_id, key, lane, operation, needs, ephemeral)
     values (gen_random_uuid(), $1, gen_random_uuid(), 'ticket',
       json_build_object('kind', 'postActivity', 'id', gen_random_uuid(), 'conversation', null,
         'activity', json_build_object('type', 'thought', 'body', 'Looking.', 'ephemeral', true)), '{}', true)`,
    [session?.id],
  );
}

test('what is said to a run at work is acknowledged for good, whatever is shown after it', async () => {
  const ticket = await atWork();
  await desk.comment(ticket, 'Use UTC', someone);
  await sort();
  await showsSomething(ticket);
  await post();
  expect(await arrived(ticket)).toEqual([noted, 'Looking.']);
  await desk.comment(ticket, 'And commas', someone);
  await sort();
  await post();
  expect(await arrived(ticket)).toEqual([noted, 'Looking.', noted]);
});

test('several at once have one answer, after the last; what says more than that stays', async () => {
  const ticket = await atWork();
  for (const body of ['Use UTC', 'And commas', 'x'.repeat(100_000), 'Quickly', 'Please'])
    await desk.comment(ticket, body, someone);
  await sort();
  await showsSomething(ticket);
  await post();
  const [first = '', ...others] = await arrived(ticket);
  expect(first).toMatch(/^Noted; .* I read the first and the last 16,000/);
  expect(others).toEqual([noted, 'Looking.']);
  expect((await query('select * from activities')).rows, 'the first answer, and these two').toHaveLength(3);
  expect(await violations()).toEqual([]);
});

test('an older stop is told so, however much is said after it', async () => {
  const ticket = await atWork();
  net.loses = () => true;
  await desk.comment(ticket, 'stop', someone);
  net.loses = () => false;
  await desk.comment(ticket, 'Use UTC', someone);
  const client = await database.pool.connect();
  for (const late of net.lost) await deliver(client, late);
  client.release();
  await desk.comment(ticket, 'Quickly', someone);
  await sort();
  await showsSomething(ticket);
  await post();
  expect(await arrived(ticket)).toEqual([
    'This stop is older than what was asked for since, so I go on. Say "stop" again to stop me.',
    noted,
    'Looking.',
  ]);
});
