import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import type { Person } from '../../src/core/ticket.ts';
import { followTalk } from '../../src/flow/leave.ts';
import { type SortDeps, sortDeliveries } from '../../src/flow.ts';
import { addActivities, savePlan } from '../../src/store/activities.ts';
import { claimRun } from '../../src/store/runs.ts';
import { currentConversation, sessionIdOf } from '../../src/store/sessions.ts';
import type { DeliveryBody } from '../../src/trackers/board/delivery.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { agent, type Intake, openIntake } from './intake.ts';

const ada: Person = { id: 'ada', name: 'Ada', isBot: false };
const bob: Person = { id: 'bob', name: 'Bob', isBot: false };
const account: Person = { id: agent, name: agent, isBot: true };

describe('where a tracker has several places to talk on one ticket', () => {
  let intake: Intake;
  let deps: SortDeps;
  beforeAll(async () => {
    intake = await openIntake({ speak: ['Ada'] });
    // Its deliveries are the board's; a ticket is given in the place of its title, and words name theirs behind an "@", or
    // behind a "~" where they only guess.
    const inPlaces: Tracker = {
      ...intake.tracker,
      readEvents: (delivery) =>
        intake.tracker.readEvents(delivery).map((event) => {
          if (event.type === 'sessionCreated') return { ...event, conversation: placeOf(event.ticket.title) };
          if (event.type !== 'prompted') return event;
          const [, key = '', sign, place = ''] = /^(\w+)([@~])(\w+)$/.exec(event.said.key) ?? [];
          const conversation = { ...placeOf(place), ...(sign === '~' && { isProvisional: true as const }) };
          return { ...event, said: { ...event.said, key }, conversation };
        }),
    };
    deps = { ...intake.deps, trackers: new Map([['board', inPlaces]]) };
  });
  afterAll(() => intake?.close());

  const placeOf = (place: string) => ({ key: place, ref: { place } });
  const sessionId = () => sessionIdOf({ tracker: 'board', id: String(number) });
  let number = 0;
  let made = 0;
  beforeEach(() => {
    number++;
  });

  function told(what: { given: string; at?: number } | { says: string; at?: number; by?: Person }): DeliveryBody {
    const at = new Date(Date.UTC(2026, 3, 1) + (what.at ?? ++made + 1_000) * 1000).toISOString();
    const id = `BOARD-${number}/${++made}`;
    const title = 'given' in what ? what.given : 'Somewhere';
    const ticket = { number, title, state: 'Todo' as const, assignee: account };
    if ('given' in what) return { id, at, actor: ada, ticket, event: 'ticket.assigned', previousAssignee: null };
    const comment = { id: what.says, body: 'And this?', at };
    return { id, at, actor: what.by ?? ada, ticket, event: 'comment.created', comment };
  }
  const hear = async (...whats: Parameters<typeof told>[0][]) => {
    for (const what of whats) {
      await intake.accept(told(what));
      await sortDeliveries(deps, new AbortController().signal);
    }
  };
  const current = async () => (await currentConversation(intake.db, sessionId()))?.key;
  const query = async (text: string) => (await intake.pool.query(text, [sessionId()])).rows;
  /** "A -> B", for each place that was left. */
  const left = async () =>
    (
      await query(
        "select operation from effects where session_id = $1 and operation ->> 'kind' = 'leaveConversation' order by seq",
      )
    ).map(({ operation: { conversation, to } }) => `${conversation.place} -> ${to.place}`);

  test('the one that is left is told, once', async ({ expect }) => {
    await hear({ given: 'A' }, { says: 'one@A' });
    expect(await left()).toEqual([]);
    await hear({ says: 'two@B' }, { says: 'two@B' }, { says: 'three@B' });
    expect([await left(), await current()]).toEqual([['A -> B'], 'B']);
    await hear({ says: 'four@A' });
    expect([await left(), await current()]).toEqual([['A -> B', 'B -> A'], 'A']);
  });

  test('what opened a place counts as said when that was opened, though it is dated a second earlier', async ({
    expect,
  }) => {
    await hear({ given: 'A' }, { says: 'one@B' });
    await query(`update prompts set said_at = c.created_at - interval '0.7 seconds'
      from conversations c where c.key = 'A' and c.session_id = prompts.session_id and prompts.session_id = $1`);
    expect(await current()).toBe('B');
  });

  test('a question that is answered elsewhere does not stand there open; what was closed needs no word', async ({
    expect,
  }) => {
    await hear({ given: 'A' });
    const { id } = (await query("select id from conversations where session_id = $1 and key = 'A'"))[0];
    const stage = { sessionId: sessionId(), runId: null, stepId: null, conversation: { id, ref: { place: 'A' } } };
    const shows = (key: string, type: 'elicitation' | 'response') =>
      intake.db.transaction().execute((tx) => addActivities(tx, stage, key, [{ type, body: 'Which?' }]));
    const ends = async (state: string) => {
      await query("update runs set ended_at = now(), outcome = '{}' where session_id = $1");
      await query(`update sessions set state = '${state}', answered_at = given_at where id = $1`);
    };
    await shows('ended', 'response');
    await ends('complete');
    await hear({ says: 'one@B' });
    expect(await left()).toEqual([]);
    await shows('asked', 'elicitation');
    await ends('awaitingInput');
    await hear({ says: 'two@B' });
    expect(await left()).toEqual(['A -> B']);
  });

  test('a run at work leaves it when it has heard, with its plan at rest', async ({ expect }) => {
    await query('update runs set ended_at = now() where session_id <> $1 and ended_at is null');
    await hear({ given: 'A' });
    const run = await claimRun(intake.db, 'host:1:1');
    if (!run) throw new Error('there is nothing to do');
    const plan = [
      { content: 'Look', status: 'completed' as const },
      { content: 'Write', status: 'inProgress' as const },
    ];
    const stage = { sessionId: sessionId(), runId: run.id, stepId: null, conversation: null };
    await intake.db.transaction().execute((tx) => savePlan(tx, stage, 'plan', plan));
    await hear({ says: 'one@B' });
    expect(await left(), 'it may still show something there').toEqual([]);
    for (let time = 0; time < 2; time++) expect((await followTalk(deps, run))?.ref).toEqual({ place: 'B' });
    expect(await left()).toEqual(['A -> B']);
    const [{ operation }] = await query(
      "select operation from effects where session_id = $1 and operation ->> 'kind' = 'leaveConversation'",
    );
    expect(operation.plan).toEqual([plan[0], { content: 'Write', status: 'pending' }]);
    await query('update runs set ended_at = now() where session_id = $1');
  });

  test.for([[['one@B', 'one~C']], [['one~C', 'one@B']], [['one~C', 'one~C', 'one@B', 'one~C']]])(
    'what one delivery guesses and another knows is where that says: %s',
    async ([says = []], { expect }) => {
      await hear({ given: 'A', at: 1 }, ...says.map((each) => ({ says: each, at: 2 })));
      expect(await current()).toBe('B');
      expect(
        await query(
          'select c.key from prompts p join conversations c on c.id = p.conversation_id where p.session_id = $1',
        ),
      ).toEqual([{ key: 'B' }]);
    },
  );

  test('it is where people spoke last by the tracker, not by what came last', async ({ expect }) => {
    await hear({ given: 'A', at: 1 }, { says: 'one@A', at: 3 }, { says: 'two@B', at: 4 });
    await hear({ says: 'one~C', at: 3 }, { given: 'D', at: 2 });
    expect(await current()).toBe('B');
    await hear({ given: 'E', at: 5 });
    expect(await current()).toBe('E');
  });

  test('whose words are not followed does not move it', async ({ expect }) => {
    await hear({ given: 'A' }, { says: 'one@A' }, { says: 'two@B', by: bob });
    expect([await current(), await left()]).toEqual(['A', []]);
  });

  test('what nobody has seen of a run is not shown when it is stopped: that it begins, and that it has heard', async ({
    expect,
  }) => {
    await hear({ given: 'A' }, { says: 'one@A' });
    const pending = async () =>
      (
        await query(
          "select operation -> 'activity' ->> 'body' as body from effects where session_id = $1 and state = 'pending' order by seq",
        )
      ).map(({ body }) => body);
    expect(await pending()).toEqual([expect.stringMatching(/^On it/), expect.stringMatching(/^Noted/)]);
    const stop = told({ says: 'two@A' });
    await intake.accept({ ...stop, comment: { ...stop.comment, id: 'two@A', at: stop.at as string, body: 'stop' } });
    await sortDeliveries(deps, new AbortController().signal);
    expect(await pending()).toEqual([expect.stringMatching(/^Stopped, as you asked/)]);
  });
});
