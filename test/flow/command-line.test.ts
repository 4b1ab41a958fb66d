import { afterAll, beforeAll, describe, test } from 'vitest';
import { say, stopSession } from '../../src/app/say.ts';
import { Refusal } from '../../src/core/refusal.ts';
import type { Person, TicketHint } from '../../src/core/ticket.ts';
import { addEffects } from '../../src/store/effects.ts';
import { findSessionByIdentifier, openSession } from '../../src/store/sessions.ts';
import type { DeliveryBody } from '../../src/trackers/board/delivery.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { agent, type Intake, openIntake } from './intake.ts';

const person = (name: string): Person => ({ id: name.toLowerCase(), name, isBot: false });
const ada = person('Ada');

let intake: Intake;
beforeAll(async () => {
  intake = await openIntake({ speak: ['Ada', 'Bob'] });
});
afterAll(() => intake?.close());

const query = async (text: string, values: unknown[] = []) => (await intake.pool.query(text, values)).rows;
const sessionOf = async (name: string) => {
  const session = await findSessionByIdentifier(intake.db, name);
  if (!session) throw new Error(`${name} has no session`);
  return session;
};
const given = async () => {
  const { identifier } = await intake.desk.createTicket({ title: 'A ticket', assignee: agent }, ada);
  await intake.sort();
  return identifier;
};
const shown = async (name: string) =>
  (
    await query("select activity ->> 'body' as body from activities where session_id = $1 order by seq", [
      (await sessionOf(name)).id,
    ])
  ).map(({ body }) => body);
const finish = async (name: string, state = 'complete') => {
  const { id } = await sessionOf(name);
  await query("update runs set ended_at = now(), outcome = '{}' where session_id = $1", [id]);
  await query(
    'update sessions set state = $2, answered_at = given_at, answered_seq = (select coalesce(max(seq), 0) from prompts) where id = $1',
    [id, state],
  );
  return id;
};

describe('a stop from the command line', () => {
  const stop = (name: string, by = ada) => stopSession({ ...intake.deps, desk: intake.desk }, name, by);

  test('is later than a comment that nobody has sorted yet', async ({ expect }) => {
    const name = await given();
    await intake.desk.comment(name, 'Use UTC', person('Bob'));
    expect(await stop(name)).toBe('stopped');
    await intake.sort();
    expect((await sessionOf(name)).state).toBe('stopped');
    await intake.desk.comment(name, 'Go on, in UTC', person('Bob'));
    await intake.sort();
    expect((await sessionOf(name)).state).toBe('active');
  });

  test('the same where the tracker is not ours; it lands where the agent was last spoken to', async ({ expect }) => {
    const hint = (number: number): TicketHint => ({
      ...{ tracker: 'linear', id: String(number), identifier: `ENG-${number}`, title: 'Elsewhere' },
      ...{ url: 'https://tracker.example/1', priority: 'none', team: null, project: null, ref: null },
    });
    // Its deliveries are the board's, but its tickets are another tracker's, with a thread of its own for each comment.
    const elsewhere: Tracker = {
      ...intake.tracker,
      readEvents: (delivery) =>
        intake.tracker.readEvents(delivery).map((event) => ({
          ...event,
          ticket: hint(Number(event.ticket.id)),
          ...(event.type === 'prompted' && { conversation: { key: event.said.key, ref: { thread: event.said.key } } }),
        })),
    };
    const deps = { ...intake.deps, trackers: new Map([['board', elsewhere]]), desk: intake.desk };
    const number = 7001;
    const { id } = await intake.db
      .transaction()
      .execute((tx) => openSession(tx, hint(number), { at: '2026-03-01T10:00:00.000000Z', given: true, opens: true }));
    // The thread in which something was said last is the one that was begun first.
    for (const [key, at] of [
      ['late', '2026-03-01T10:30:00.000000Z'],
      ['early', '2026-03-01T10:20:00.000000Z'],
    ] as const) {
      const ticket = { number, title: 'Elsewhere', state: 'Todo' as const, assignee: null };
      const comment: DeliveryBody['comment'] = { id: key, body: `The ${key} word`, at };
      await intake.accept({ id: `comment/${key}`, event: 'comment.created', at, actor: ada, ticket, comment });
    }
    expect(await stopSession(deps, 'ENG-7001', ada)).toBe('stopped');
    await intake.sort();
    expect((await sessionOf('ENG-7001')).state).toBe('stopped');
    expect(
      await query(
        'select p.body, c.key from prompts p join conversations c on c.id = p.conversation_id where p.session_id = $1 order by p.said_at',
        [id],
      ),
    ).toEqual([
      { body: 'The early word', key: 'early' },
      { body: 'The late word', key: 'late' },
      { body: 'stop', key: 'late' },
    ]);
  });

  test('finds a ticket that was given just now', async ({ expect }) => {
    const { identifier } = await intake.desk.createTicket({ title: 'A ticket', assignee: agent }, ada);
    expect(await stop(identifier)).toBe('stopped');
  });

  test('says what came of it: told to a run, stopped where it stood, too late, or nothing to stop', async ({
    expect,
  }) => {
    const running = await given();
    await query("update runs set worker = 'host:1:1', started_at = now() where session_id = $1", [
      (await sessionOf(running)).id,
    ]);
    expect(await stop(running)).toBe('asked');

    const asks = await given();
    await finish(asks, 'awaitingInput');
    expect(await stop(asks)).toBe('stopped');
    expect(await stop(asks)).toBe('nothing');
    expect((await shown(asks)).at(-1)).toBe('Nothing is running.');

    const done = await given();
    const sessionId = await finish(done);
    const openPullRequest = { kind: 'openPullRequest' as const, id: 'pull-request', repository: 'app', draft: false };
    const texts = { title: 'T', body: '', head: 'shipmate/one', base: 'main' };
    await intake.db
      .transaction()
      .execute((tx) =>
        addEffects(tx, [
          { sessionId, runId: null, stepId: null, key: `${done}/request`, operation: { ...openPullRequest, ...texts } },
        ]),
      );
    expect(await stop(done)).toBe('onItsWay');
    expect((await shown(done)).at(-1)).toMatch(/^The work is finished and on its way as a pull request/);
    await query("update effects set state = 'done' where session_id = $1", [sessionId]);
    expect(await stop(done)).toBe('nothing');
    expect(await stop('BOARD-9999')).toBe(null);
  });

  test('of someone whose words are not followed is refused, with who may', async ({ expect }) => {
    const name = await given();
    await expect(stop(name, person('Eve'))).rejects.toThrow(
      'Orders are taken from Ada and Bob only (policy.people.speak), and you are "Eve" here: nothing was done.',
    );
    await expect(stop(name, person('Eve'))).rejects.toBeInstanceOf(Refusal);
    expect((await sessionOf(name)).state).toBe('active');
    expect((await intake.desk.show(name)).ticket.comments).toEqual([]);
  });

  test('of someone who may approve is followed, as on the ticket', async ({ expect }) => {
    const name = await given();
    const policy = { ...intake.deps.policy, approval: { by: ['Lea'] } };
    const deps = { ...intake.deps, policy, desk: intake.desk };
    expect(await stopSession(deps, name, person('Lea'))).not.toBe('nothing');
    await expect(stopSession(deps, name, person('Eve'))).rejects.toThrow('(policy.people.speak, policy.approval.by)');
  });
});

test('a word with which somebody resumes a ticket that waits begins it, whatever it says', async ({ expect }) => {
  const name = await given();
  const id = await finish(name, 'awaitingInput');
  await query('update sessions set waiting = true where id = $1', [id]);
  await intake.desk.comment(name, 'I have looked at it', ada);
  await intake.sort();
  expect((await sessionOf(name)).state).toBe('awaitingInput');
  await say({ ...intake.deps, desk: intake.desk }, id, ada, {
    body: 'I have changed the files by hand. Go on from there.',
    means: 'continue',
  });
  expect(await sessionOf(name)).toMatchObject({ state: 'active', waiting: false });
});

describe('a ticket that was given away while its session rested', () => {
  const givenAway = async (state: string) => {
    const name = await given();
    await finish(name, state);
    await intake.desk.assign(name, 'bob', ada);
    await intake.sort();
    return name;
  };
  const say = async (name: string, ...words: string[]) => {
    for (const word of words) await intake.desk.comment(name, word, person('Bob'));
    await intake.sort();
  };
  const gone = 'I do not have this ticket any more. Give it back to me, and I go on with what was said.';

  test.for(['complete', 'error'])('%s: the first words are answered, and a stop is', async (state, { expect }) => {
    const name = await givenAway(state);
    const before = (await shown(name)).length;
    await say(name, 'Please rename X', 'And Y');
    expect((await shown(name)).slice(before)).toEqual([gone]);
    await say(name, 'stop');
    expect((await shown(name)).slice(before)).toEqual([gone, 'Nothing is running.']);
    await intake.desk.assign(name, agent, ada);
    await intake.sort();
    expect((await sessionOf(name)).state).toBe('active');
    await finish(name, state);
    await intake.desk.assign(name, 'bob', ada);
    await say(name, 'And Z');
    expect((await shown(name)).at(-1)).toBe(gone);
    expect((await shown(name)).filter((body) => body === gone)).toHaveLength(2);
  });
});
