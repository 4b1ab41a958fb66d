import { describe, expect, test } from 'vitest';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { mayBegin } from '../../src/flow/before-work.ts';
import { conclude } from '../../src/flow/conclude.ts';
import { fileParts } from '../../src/flow/file-parts.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { wakeWaiting } from '../../src/flow/wake-waiting.ts';
import { askToScope, keepOverviews, type PostDeps, postEffects } from '../../src/flow.ts';
import { listLeaders } from '../../src/store/overviews.ts';
import { claimRun } from '../../src/store/runs.ts';
import { findSession, findSessionByIdentifier, saveReading } from '../../src/store/sessions.ts';
import { addOverrides, claimUnseen, listWaits } from '../../src/store/waits.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import {
  agent,
  database,
  db,
  deliver,
  deps,
  desk,
  net,
  never,
  query,
  round,
  said,
  sort,
  tracker,
  useBoard,
  violations,
} from './reconciling.ts';

useBoard();

const file = async (title: string, assignee?: string) =>
  (await desk.createTicket({ title, ...(assignee && { assignee }) }, someone)).identifier;
const wake = () => wakeWaiting(deps, never);

/** A worker that takes the next run, looks whether it may begin, and ends it if not; answers how, or what it may do. */
async function work(
  given: Tracker = tracker,
  stages: 'review-each' | 'review-end' = 'review-each',
  end: typeof conclude = conclude,
): Promise<string> {
  const run = await claimRun(db, 'host:1:1');
  if (!run) return 'nothing to do';
  const worker = {
    ...deps,
    trackers: new Map([['board', given]]),
    policy: { runsPerHour: null, stages, approval: { by: [], silenceMinutes: null } },
    name: agent,
    knownSecrets: [],
    fields: defaultFieldNames,
    repositories: new Map(),
  } as unknown as RunDeps;
  const session = await findSession(db, run.sessionId);
  if (!session) throw new Error('the run has no session');
  const ticket = await given.readTicket(session.hint, never);
  await saveReading(db, session.ticketId, ticket);
  const facts = readFacts(ticket, defaultFieldNames);
  const refused = await mayBegin({ deps: worker, run, session, ticket, facts, standsOn: null, signal: never });
  const outcome = refused?.outcome ?? { stopReason: 'needsInput' as const, message: 'Which one?' };
  await end(worker, run, outcome, { work: null, heard: refused?.heard ?? [] });
  return `${ticket.identifier} ${refused ? outcome.stopReason : 'begins'}`;
}

async function workAll(given?: Tracker): Promise<string[]> {
  const done = [];
  for (;;) {
    const one = await work(given);
    if (one === 'nothing to do') return done;
    done.push(one);
  }
}

const stateOf = async (ticket: string) => {
  const session = await findSessionByIdentifier(db, ticket);
  return [session?.state, session?.waiting];
};

/** Two tickets, of which the second waits for the first, and what was told of them so far. */
async function blocked(): Promise<[string, string]> {
  const [first, then] = [await file('First'), await file('Then')];
  await desk.relate(first, 'blocks', then, someone);
  await desk.assign(then, agent, someone);
  await sort();
  expect(await workAll()).toEqual([`${then} waiting`]);
  await wake();
  expect(await stateOf(then)).toEqual(['awaitingInput', true]);
  return [first, then];
}

describe('a ticket that waits for another', () => {
  test.for(['Done', 'Canceled'])('begins when that is %s, however often it is told', async (state, { expect }) => {
    const [first, then] = await blocked();
    await desk.move(first, state, someone);
    await sort();
    await query('update deliveries set sorted_at = null');
    await sort();
    await Promise.all([wake(), wake(), wake()]);
    expect(await workAll()).toEqual([`${then} begins`]);
    expect(await violations()).toEqual([]);
  });

  test('begins when the other was over before the waiting was written down', async ({ expect }) => {
    const [first, then] = [await file('First'), await file('Then')];
    await desk.relate(first, 'blocks', then, someone);
    await desk.assign(then, agent, someone);
    await sort();
    const before = await tracker.readTicket((await desk.show(then)).ticket, never);
    await desk.move(first, 'Done', someone);
    await sort(); // nobody waits for it yet
    expect(await workAll({ ...tracker, readTicket: async () => before })).toEqual([`${then} waiting`]);
    await wake();
    expect(await workAll()).toEqual([`${then} begins`]);
  });

  test.for([
    ['is done', (first: string) => desk.move(first, 'Done', someone)],
    ['blocks it no more', () => query('truncate board_relations')],
  ] as const)('begins when the other %s and no webhook came: reconcile', async ([, change], { expect }) => {
    const [first, then] = await blocked();
    net.loses = () => true;
    await change(first);
    await wake();
    expect(await workAll()).toEqual([]);
    await round(deps);
    await wake();
    expect(await workAll()).toEqual([`${then} begins`]);
  });

  /** The tracker as it answers where one ticket cannot be read. */
  const without = (ticket: string, code: 'not_found' | 'unauthorized') => {
    const readTicket: Tracker['readTicket'] = async (hint, signal) => {
      if (hint.identifier === ticket) throw new VendorError('not for you', { code, retryable: false });
      return tracker.readTicket(hint, signal);
    };
    return { ...deps, trackers: new Map([['board', { ...tracker, readTicket }]]) };
  };

  test('one that it may not see just now is not gone', async ({ expect }) => {
    const [first] = await blocked();
    await query('truncate board_relations');
    const given = without(first, 'unauthorized');
    for (let rounds = 0; rounds < 3; rounds++) {
      await round(given);
      await wakeWaiting(given, never);
    }
    expect(await workAll()).toEqual([]);
  });

  test('does not wait for a ticket that is gone, and says so; once not found is not gone', async ({ expect }) => {
    const [first, then] = await blocked();
    await query('truncate board_relations');
    const given = without(first, 'not_found');
    await round(given);
    await wakeWaiting(given, never);
    expect(await workAll()).toEqual([]);
    await round(given);
    await wakeWaiting(given, never);
    expect(await said()).toContain(`${first} is not to be found any more, so I do not wait for it.`);
    expect(await workAll()).toEqual([`${then} begins`]);
  });

  test('a tracker that is away keeps nobody from beginning, and is asked again', async ({ expect }) => {
    const [first, then] = await blocked();
    const [other, waits] = [await file('Other'), await file('Waits')];
    await desk.relate(other, 'blocks', waits, someone);
    await desk.assign(waits, agent, someone);
    await sort();
    expect(await workAll()).toEqual([`${waits} waiting`]);
    await desk.move(first, 'Done', someone);
    await sort();
    const away: Tracker = {
      ...tracker,
      readTicket: () => Promise.reject(new VendorError('away', { code: 'unavailable', retryable: true })),
    };
    await wakeWaiting({ ...deps, trackers: new Map([['board', away]]) }, never);
    expect(await workAll()).toEqual([`${then} begins`]);
    expect(await claimUnseen(db, 10)).toHaveLength(1);
  });

  test.for([
    ['closed', (then: string) => desk.move(then, 'Canceled', someone)],
    ['given away', (then: string) => desk.assign(then, 'bob', someone)],
    ['stopped', (then: string) => desk.comment(then, 'stop', someone)],
  ] as const)('one that is %s waits no more, and nothing begins it', async ([, change], { expect }) => {
    const [first, then] = await blocked();
    await change(then);
    await sort();
    expect(await stateOf(then)).toEqual(['stopped', false]);
    expect((await query('select * from waits')).rows).toEqual([]);
    await desk.move(first, 'Done', someone);
    await sort();
    await wake();
    expect(await workAll()).toEqual([]);
    expect((await said()).at(-1)).toMatch(/^Stopped/);
    expect(await violations()).toEqual([]);
  });

  test('words start nothing, "continue" does, in whatever order and however often they come', async ({ expect }) => {
    const [, then] = await blocked();
    for (const words of ['Use UTC', 'And commas']) await desk.comment(then, words, someone);
    await sort();
    await wake();
    expect(await workAll()).toEqual([]);
    net.loses = () => true;
    await desk.comment(then, 'continue', someone);
    await desk.comment(then, 'Quickly', someone);
    net.loses = () => false;
    const client = await database.pool.connect();
    for (const delivery of net.lost.toReversed()) await deliver(client, delivery);
    client.release();
    await sort();
    await query('update deliveries set sorted_at = null');
    await sort();
    expect(await workAll()).toEqual([`${then} begins`]);
    expect((await query('select * from overrides')).rows).toHaveLength(1);
  });

  test('a relation that is added while a run is at work does not stop it when another worker takes over', async ({
    expect,
  }) => {
    const [first, then] = [await file('First'), await file('Then', agent)];
    await sort();
    await desk.relate(first, 'blocks', then, someone);
    await query(
      `insert into steps (id, run_id, session_id, kind, key, attempt, input)
       select gen_random_uuid(), id, session_id, 'model', 'turn:1', 1, '{}' from runs`,
    );
    expect(await workAll()).toEqual([`${then} begins`]);
  });
});

test('many that wait, are told, woken and looked at by everybody at once: none is lost, nobody gets in the way', async ({
  expect,
}) => {
  const pairs: [string, string][] = [];
  for (let count = 0; count < 12; count++) {
    const [first, then] = [await file(`First ${count}`), await file(`Then ${count}`)];
    await desk.relate(first, 'blocks', then, someone);
    if (count > 0) await desk.relate(pairs[count - 1]?.[0] ?? '', 'blocks', then, someone);
    await desk.assign(then, agent, someone);
    pairs.push([first, then]);
  }
  await sort();
  const ended: string[] = [];
  let busy = true;
  const untilDone = async (act: () => Promise<unknown>) => {
    while (busy) await act();
  };
  const others = [sort, sort, wake, wake, () => round(deps), async () => ended.push(...(await workAll()))].map(
    untilDone,
  );
  for (const [first, then] of pairs) {
    await desk.comment(then, 'Use UTC', someone);
    await desk.move(first, 'Done', someone);
  }
  const begun = () => ended.filter((each) => each.endsWith('begins')).map((each) => each.replace(' begins', ''));
  await expect.poll(() => new Set(begun()).size, { timeout: 30_000 }).toBe(pairs.length);
  busy = false;
  await Promise.all(others);
  const { rows } = await query("select outcome from deliveries where outcome like 'failed%' or sorted_at is null");
  expect(rows).toEqual([]);
});

describe('tickets in a circle', () => {
  test('one of it asks; one that only leads to it waits and says so; an override opens it', async ({ expect }) => {
    const [a, b, c] = [await file('A', agent), await file('B', agent), await file('C', agent)];
    await desk.relate(a, 'blockedBy', b, someone);
    await desk.relate(b, 'blockedBy', c, someone);
    await desk.relate(c, 'blockedBy', b, someone);
    await sort();
    expect((await workAll()).toSorted()).toEqual([`${a} waiting`, `${b} needsInput`, `${c} needsInput`]);
    const texts = await said();
    expect(texts).toContainEqual(
      expect.stringContaining(`But ${a} waits for ${b}, which waits for ${c}, which waits for ${b}:`),
    );
    expect(texts).toContainEqual(expect.stringContaining(`I cannot begin: ${b} waits for ${c}, which waits for ${b}.`));
    await wake();
    expect(await workAll()).toEqual([]);
    const [sessionOfC, readingOfB] = [await findSessionByIdentifier(db, c), (await desk.show(b)).ticket];
    await addOverrides(db, sessionOfC?.id ?? '', [readingOfB]);
    await desk.comment(b, 'Look again', someone);
    await sort();
    expect(await workAll(), 'C goes first').toEqual([`${b} waiting`]);
  });

  test.for([
    ['told', () => wake()],
    [
      'not told',
      async () => {
        await round(deps);
        await wake();
      },
    ],
  ] as const)(
    'one that closes after the waiting began, and is %s of, is asked about once',
    async ([how, look], { expect }) => {
      const [first, then] = await blocked();
      net.loses = () => how === 'not told';
      await desk.relate(first, 'blockedBy', then, someone);
      await sort();
      await look();
      expect(await workAll()).toEqual([`${then} needsInput`]);
      expect(await said()).toContain('What I wait for has changed: I look at it again.');
      expect((await said()).at(-1)).toContain(`I cannot begin: ${then} waits for ${first}, which waits for ${then}.`);
      await look();
      await round(deps);
      await wake();
      expect(await workAll()).toEqual([]);
      net.loses = () => false;
      await desk.comment(then, 'continue', someone);
      await sort();
      expect(await workAll()).toEqual([`${then} begins`]);
      expect(await violations()).toEqual([]);
    },
  );

  test('the others of one that "continue" has opened begin when that one is done, and ask until then', async ({
    expect,
  }) => {
    const [a, b] = [await file('A', agent), await file('B', agent)];
    await desk.relate(a, 'blockedBy', b, someone);
    await desk.relate(b, 'blockedBy', a, someone);
    await sort();
    await workAll();
    await desk.comment(a, 'continue', someone);
    await sort();
    await wake();
    expect(await workAll()).toEqual([`${a} begins`]);
    expect(await stateOf(b)).toEqual(['awaitingInput', false]);
    const asks = 'select t.identifier from sessions s join tickets t on t.id = s.ticket_id where asked_at is not null';
    expect((await query(asks)).rows).toEqual([{ identifier: b }]);
    await desk.move(a, 'Done', someone);
    await sort();
    await query('update deliveries set sorted_at = null');
    await sort();
    await Promise.all([wake(), wake()]);
    expect(await workAll()).toEqual([`${b} begins`]);
    expect((await query('select * from waits')).rows).toEqual([]);
    expect(await violations()).toEqual([]);
  });

  test('sub-tickets of each other: each says that this does not end by itself, once', async ({ expect }) => {
    const [parent, child] = [await file('Parent', agent), await file('Child')];
    await desk.relate(parent, 'child', child, someone);
    await sort();
    expect(await workAll()).toEqual([`${parent} waiting`, `${child} begins`]);
    await desk.relate(child, 'child', parent, someone);
    await sort();
    await wake();
    expect(await workAll()).toEqual([`${parent} waiting`]);
    const never = `But ${parent} waits for ${child}, which waits for ${parent}: that does not end by itself`;
    expect((await said()).at(-1)).toContain(never);
    await desk.comment(child, 'continue', someone);
    await sort();
    expect(await workAll()).toEqual([`${child} waiting`]);
    expect((await said()).at(-1)).toContain(`But ${child} waits for ${parent}, which waits for ${child}:`);
    await wake();
    await round(deps);
    await wake();
    expect(await workAll()).toEqual([]);
  });

  test('many blockers are not read without end', async ({ expect }) => {
    const all = await file('All');
    await query(
      `with made as (
         insert into board_tickets (title, description, priority, labels, fields, state)
         select 'T' || n, '', 'none', '{}', '{}', 'Todo' from generate_series(1, 60) n returning number)
       insert into board_relations (ticket, type, other) select number, 'blocks', $1 from made`,
      [all.replace('BOARD-', '')],
    );
    await desk.assign(all, agent, someone);
    await sort();
    let reads = 0;
    const counted: Tracker = {
      ...tracker,
      readTicket(hint, signal) {
        reads += 1;
        return tracker.readTicket(hint, signal);
      },
    };
    expect(await workAll(counted)).toEqual([`${all} waiting`]);
    expect(reads).toBeLessThanOrEqual(51);
  });
});

describe('a ticket with sub-tickets', () => {
  async function family(): Promise<[string, string, string]> {
    const [parent, one, two] = [await file('Parent'), await file('One'), await file('Two')];
    for (const child of [one, two]) await desk.relate(parent, 'child', child, someone);
    await desk.assign(parent, agent, someone);
    await sort();
    return [parent, one, two];
  }
  const sessions = async () =>
    (await query('select t.identifier, s.given from sessions s join tickets t on t.id = s.ticket_id order by 1')).rows;

  test('leaves alone what people have, or took away from it; takes what is let go of, and what comes later', async ({
    expect,
  }) => {
    const [parent, one, two] = await family();
    await desk.assign(one, agent, someone);
    await desk.unassign(one, someone);
    await desk.assign(two, 'bob', someone);
    await sort();
    expect(await workAll()).toEqual([`${parent} waiting`]);
    await wake();
    expect(await workAll()).toEqual([]);
    expect((await said()).at(-1)).toContain(`${one} (One) and ${two} (Two)`);
    await desk.unassign(two, someone);
    await round(deps);
    await wake();
    expect((await workAll()).toSorted()).toEqual([`${parent} waiting`, `${two} begins`]);
    const three = await file('Three');
    await desk.relate(parent, 'child', three, someone);
    await sort();
    await wake();
    await wake();
    expect((await workAll()).toSorted()).toEqual([`${parent} waiting`, `${three} begins`]);
    await round(deps); // the tracker has not been told yet that these are ours now
    expect(await sessions()).toEqual([
      { identifier: parent, given: true },
      { identifier: one, given: false },
      { identifier: two, given: true },
      { identifier: three, given: true },
    ]);
    expect(await violations()).toEqual([]);
  });

  test('takes one that was only rated, also while that goes on, and shows it as its own', async ({ expect }) => {
    const [parent, one, two] = [await file('Parent'), await file('One'), await file('Two')];
    const rate = async (child: string) => askToScope(deps, (await desk.show(child)).ticket, false);
    await rate(one);
    expect(await workAll()).toEqual([`${one} begins`]);
    await rate(two);
    for (const child of [one, two]) await desk.relate(parent, 'child', child, someone);
    const rating = await claimRun(db, 'host:1:1');
    await desk.assign(parent, agent, someone);
    await sort();
    expect((await workAll()).toSorted()).toEqual([`${parent} waiting`, `${one} begins`]);
    expect((await said()).join()).not.toContain('Not mine');
    if (!rating) throw new Error('nothing was to be rated');
    const worker = { ...deps, policy: { runsPerHour: null } } as unknown as RunDeps;
    await conclude(worker, rating, { stopReason: 'finished', message: 'Rated.' }, { work: null });
    expect(await workAll()).toEqual([`${two} begins`]);
    expect((await sessions()).map(({ given }) => given)).toEqual([true, true, true]);
    const { rows } = await query("select plan -> 0 ->> 'content' as one, plan -> 1 ->> 'content' as two from plans");
    expect(JSON.stringify(rows)).not.toContain('left to');
    expect(await violations()).toEqual([]);
  });

  test('one that comes to wait for another looks at its parts again when that is over, and not before', async ({
    expect,
  }) => {
    const [parent] = await family();
    await workAll();
    await sort();
    await wake();
    await workAll();
    const other = await file('Other');
    await desk.relate(other, 'blocks', parent, someone);
    await desk.comment(parent, 'continue', someone);
    await sort();
    expect(await workAll()).toEqual([`${parent} waiting`]);
    for (let look = 0; look < 3; look++) {
      await wake();
      expect(await workAll()).toEqual([]);
    }
    await desk.move(other, 'Done', someone);
    await sort();
    await wake();
    expect(await workAll()).toEqual([`${parent} waiting`]);
    expect((await said()).at(-1)).toContain('I do no work on it itself');
    await wake();
    expect(await workAll()).toEqual([]);
  });

  test('a worker that takes the run over, and others that look again, take each sub-ticket once', async ({
    expect,
  }) => {
    const [parent, one, two] = await family();
    const fallen = await work(tracker, 'review-each', async () => {
      throw new Error('this worker fell');
    }).catch((error: Error) => error.message);
    expect(fallen).toBe('this worker fell');
    await query("update runs set worker = null, heartbeat_at = null where worker = 'host:1:1'");
    expect((await workAll()).toSorted()).toEqual([`${parent} waiting`, `${one} begins`, `${two} begins`]);
    await desk.comment(parent, 'continue', someone);
    await sort();
    expect(await workAll()).toEqual([`${parent} waiting`]);
    const { rows } = await query(
      "select count(*)::int as taken from effects where operation ->> 'kind' = 'takeTicket'",
    );
    expect(rows).toEqual([{ taken: 2 }]);
    expect(await sessions()).toHaveLength(3);
  });

  test('one that somebody took in the same moment is left to him', async ({ expect }) => {
    const [parent, one, two] = await family();
    expect(await work()).toBe(`${parent} waiting`);
    expect(await work()).toBe(`${one} begins`);
    net.loses = () => true;
    for (const child of [one, two]) await desk.assign(child, 'bob', someone);
    const posting = { codeHosts: new Map(), repositories: new Map(), workspaces: {}, worker: 'w', inHand: new Set() };
    await postEffects({ ...deps, ...posting } as unknown as PostDeps, never);
    expect(await stateOf(two)).toEqual(['active', false]);
    await wake();
    expect([await stateOf(two), await workAll()]).toEqual([['stopped', false], []]);
    expect((await said()).at(-1)).toContain('the ticket was given to someone else');
    expect(await violations()).toEqual([]);
  });

  test('a sub-ticket whose own blocker is its parent is told; stopping the parent stops no sub-ticket', async ({
    expect,
  }) => {
    const [parent, one, two] = await family();
    await desk.relate(one, 'blockedBy', parent, someone);
    expect((await workAll()).toSorted()).toEqual([`${parent} waiting`, `${one} needsInput`, `${two} begins`]);
    await desk.comment(parent, 'stop', someone);
    await sort();
    expect([await stateOf(parent), await stateOf(two)]).toEqual([
      ['stopped', false],
      ['awaitingInput', false],
    ]);
    expect((await said()).at(-1)).toContain('Those that I have taken go on');
    await desk.comment(parent, 'continue', someone);
    await sort();
    expect(await workAll()).toEqual([`${parent} waiting`]);
  });

  test('stages that nobody knows are told; review-end waits for the pull request of a sibling only', async ({
    expect,
  }) => {
    const [parent, one, two] = await family();
    const stranger = await file('Stranger');
    for (const before of [one, stranger]) await desk.relate(before, 'blocks', two, someone);
    await desk.editTicket(parent, { fields: { Stages: 'whenever' } }, someone);
    for (;;) if ((await work(tracker, 'review-end')) === 'nothing to do') break;
    expect(await said()).toContainEqual(expect.stringContaining('I do not know the stages "whenever"'));
    const session = await findSessionByIdentifier(db, two);
    const waits = (await listWaits(db, session?.id ?? '')).map(({ ticket, until }) => [ticket.identifier, until]);
    expect(waits.toSorted()).toEqual([
      [one, 'ready'],
      [stranger, 'over'],
    ]);
    await query(
      `update sessions set state = 'complete', repository = 'web', branch = 'b', pull_request = '{"number":1,"url":"u"}'
       where ticket_id = (select id from tickets where identifier = $1)`,
      [one],
    );
    await desk.move(stranger, 'Done', someone);
    await sort();
    await wake();
    expect(await work(tracker, 'review-end')).toBe(`${two} begins`);
  });
});

test('the overviews of many are kept some at a time, each of its own parts', async ({ expect }) => {
  const leading: string[] = [];
  for (const name of ['One', 'Two', 'Three']) {
    const [parent, child] = [await file(name), await file(`Part of ${name}`)];
    await desk.relate(parent, 'child', child, someone);
    await desk.assign(parent, agent, someone);
    leading.push(parent);
  }
  await sort();
  await workAll();
  const seen: string[] = [];
  for (let after: string | null = null; ; ) {
    const [leader] = await listLeaders(db, after, 1);
    if (!leader) break;
    seen.push(...leader.children.map(({ ticket }) => ticket.title));
    after = leader.id;
  }
  expect(seen.toSorted()).toEqual(['Part of One', 'Part of Three', 'Part of Two']);
  const plans = async () =>
    (await query("select plan -> 0 ->> 'content' as content from plans order by 1")).rows.map(({ content }) => content);
  expect(await keepOverviews(deps, null)).toBe(null);
  expect(await plans()).toEqual(leading.map(() => expect.stringMatching(/waiting for an answer$/)));
  await query("update sessions set state = 'complete' where not leads");
  await keepOverviews(deps, null);
  expect(await plans()).toEqual(leading.map(() => expect.stringMatching(/answered, in review$/)));
});

describe('a split of which not every part could be filed', () => {
  const part = { description: '', repository: null, after: [] };
  const parts = [
    { ...part, title: 'Walls' },
    { ...part, title: 'Roof' },
    { ...part, title: 'Paint', after: [1] },
  ];

  /** Writes what is to be written to a tracker that refuses to file the roof, or files it. */
  async function post(refuses: boolean): Promise<void> {
    const send: Tracker['send'] = async (hint, operations, signal) => {
      if (refuses && operations.some((each) => each.kind === 'createTicket' && each.draft.title === 'Roof'))
        throw new VendorError('the field "Team" is required', { code: 'invalid', retryable: false });
      return tracker.send(hint, operations, signal);
    };
    const posting = { codeHosts: new Map(), repositories: new Map(), workspaces: {}, worker: 'w', inHand: new Set() };
    const trackers = new Map([['board', { ...tracker, send }]]);
    await postEffects({ ...deps, ...posting, trackers } as unknown as PostDeps, never);
  }

  /** The ticket, its split filed as far as it went. */
  async function partlyFiled(): Promise<string> {
    const name = await file('House', agent);
    await sort();
    const run = await claimRun(db, 'host:1:1');
    const session = run && (await findSession(db, run.sessionId));
    if (!session) throw new Error('there is no session');
    const ticket = await tracker.readTicket(session.hint, never);
    const stage = { sessionId: session.id, runId: run.id, stepId: null, conversation: null };
    await db.transaction().execute((tx) => fileParts(tx, stage, ticket, parts, defaultFieldNames));
    const worker = { ...deps, policy: { runsPerHour: null }, knownSecrets: [] } as unknown as RunDeps;
    await conclude(worker, run, { stopReason: 'finished', message: 'Filed.' }, { work: null });
    await post(true);
    return name;
  }

  const filed = async (name: string) =>
    (await desk.show(name)).ticket.relations.filter(({ type }) => type === 'child').map(({ ticket }) => ticket);
  const goOn = async (name: string) => {
    await desk.comment(name, 'continue', someone);
    await sort();
  };
  const told = async () => (await said()).filter((body) => body.includes('filing the ticket "Roof" failed for good'));

  test('"continue" files the others, however often that fails, and all are led', async ({ expect }) => {
    const house = await partlyFiled();
    const [walls] = await filed(house);
    expect([await stateOf(house), (await told()).join()]).toEqual([
      ['error', false],
      expect.stringContaining('Say "continue" when that is mended: I file it then, with those that need it.'),
    ]);
    await goOn(house);
    expect(await workAll()).toEqual([`${house} waiting`, `${walls?.identifier} begins`]);
    expect(await said()).toContainEqual(expect.stringContaining('Being filed: "Roof", "Paint".'));
    await post(true);
    expect([(await filed(house)).length, (await told()).length]).toEqual([1, 2]);
    await wake();
    expect(await workAll(), 'nothing begins by itself').toEqual([]);

    await goOn(house);
    expect(await workAll()).toEqual([`${house} waiting`]);
    await post(false);
    const [, roof, paint] = await filed(house);
    await wake();
    expect(await workAll()).toEqual([
      `${house} waiting`,
      ...[`${roof?.identifier} begins`, `${paint?.identifier} waiting`].toSorted(),
    ]);
    expect(await violations()).toEqual([]);
  });

  test('its ticket is not over while some are missing', async ({ expect }) => {
    const house = await partlyFiled();
    const [walls] = await filed(house);
    await desk.move(walls?.identifier ?? '', 'Done', someone);
    await goOn(house);
    expect(await work()).toBe(`${house} finished`);
    expect((await said()).at(-1)).toContain('I am at it: "Roof", "Paint". I lead them when they are there.');
    expect((await desk.show(house)).ticket.state.category).not.toBe('done');
    await post(false);
    await wake();
    expect(await work()).toBe(`${house} waiting`);
    expect(await violations()).toEqual([]);
  });

  test('one that is filed while a run is at work is led by the next', async ({ expect }) => {
    const house = await partlyFiled();
    await goOn(house);
    const end: typeof conclude = async (...args) => {
      await post(false);
      return conclude(...args);
    };
    expect(await work(tracker, 'review-each', end)).toBe(`${house} waiting`);
    expect(await filed(house)).toHaveLength(3);
    expect((await workAll()).filter((each) => each.startsWith(`${house} `))).toEqual([`${house} waiting`]);
    const taken = await Promise.all((await filed(house)).map(({ identifier }) => stateOf(identifier)));
    expect(taken.every(([state]) => state === 'awaitingInput')).toBe(true);
  });
});

test('parts that need each other in a circle are not filed', async () => {
  const ticket = await desk.createTicket({ title: 'Whole', assignee: agent }, someone);
  await sort();
  const session = await findSessionByIdentifier(db, ticket.identifier);
  const stage = { sessionId: session?.id ?? '', runId: null, stepId: null, conversation: null };
  const part = { title: 'T', description: '', repository: null };
  const filing = db.transaction().execute((tx) =>
    fileParts(
      tx,
      stage,
      ticket,
      [
        { ...part, after: [1] },
        { ...part, after: [0] },
      ],
      defaultFieldNames,
    ),
  );
  await expect(filing).rejects.toThrow('need each other in a circle');
});
