import { describe, expect, test } from 'vitest';
import type { ApprovalMarks, MarkingBy } from '../../src/core/marking.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { codeOf } from '../../src/core/proposal.ts';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';
import { openApproval, type Wanted } from '../../src/flow/approval.ts';
import { approversOf } from '../../src/flow/await-approval.ts';
import { mayBegin } from '../../src/flow/before-work.ts';
import { conclude } from '../../src/flow/conclude.ts';
import { readTicketNow, tellEdits } from '../../src/flow/edits.ts';
import { hear } from '../../src/flow/hear.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { heedSilence, postEffects } from '../../src/flow.ts';
import { markRead, unreadPrompts } from '../../src/store/prompts.ts';
import { type ClaimedRun, claimRun } from '../../src/store/runs.ts';
import { findSession, findSessionByIdentifier } from '../../src/store/sessions.ts';
import type { TicketDraft } from '../../src/trackers/board/edit.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import {
  agent,
  db,
  deps,
  depsWith,
  desk,
  file,
  net,
  never,
  query,
  round,
  said,
  sort,
  states,
  tracker,
  useBoard,
  violations,
} from './reconciling.ts';

useBoard();

const bob = { id: 'bob', name: 'Bob', isBot: false };
const plan = (...steps: string[]) => ({ kind: 'plan' as const, steps });
const first = plan('Read the parser', 'Mend it');
const second = plan('Read the parser', 'Mend it', 'Use UTC');
const code = codeOf(first);

const marks: ApprovalMarks = { label: 'plan-approved', rejectLabel: 'plan-rejected', field: 'Plan approval' };

interface Policy {
  by?: string[];
  marks?: ApprovalMarks;
  silenceMinutes?: number | null;
  deny?: string[];
}

/** What runs and their ends need; no repository, no workspace, no model. */
const worker = ({ by = [], silenceMinutes = null, deny = [], marks = {} }: Policy = {}) => {
  Object.assign(deps.policy.approval, marks);
  return {
    ...deps,
    worker: 'host:1:1',
    name: agent,
    policy: { runsPerHour: 20, approval: { by, silenceMinutes, ...marks }, tools: { deny } },
    repositories: new Map(),
    fields: defaultFieldNames,
    workspaces: {},
  } as unknown as RunDeps;
};

const post = () =>
  postEffects(
    { ...worker(), inHand: new Set(), codeHosts: new Map() } as unknown as Parameters<typeof postEffects>[0],
    never,
  );

async function claim(): Promise<ClaimedRun> {
  const run = await claimRun(db, 'host:1:1');
  if (!run) throw new Error('there is no run');
  return run;
}

/** What a run that was claimed does before all else. */
async function begin(given: RunDeps, run: ClaimedRun) {
  const session = await findSession(db, run.sessionId);
  if (!session) throw new Error('there is no session');
  const ticket = await readTicketNow(given, run, session, tracker, never);
  await tellEdits(given, run, tracker, ticket, never);
  const facts = readFacts(ticket, defaultFieldNames);
  return {
    session,
    refused: await mayBegin({ deps: given, run, session, ticket, facts, standsOn: null, signal: never }),
  };
}

/** What a run that was claimed does first; where it may begin, what its first turn hears and then its end. */
async function work(given: RunDeps, end: Partial<Outcome>, run?: ClaimedRun, wanted: Partial<Wanted> = {}) {
  const mine = run ?? (await claim());
  const { session, refused } = await begin(given, mine);
  if (refused) {
    expect(await conclude(given, mine, refused.outcome, { work: null, heard: refused.heard })).toBe(true);
    return { refused: refused.outcome.stopReason, notes: [], permits: false };
  }
  const approval = await openApproval(db, mine, approversOf(given), async () => null, {
    plan: async () => false,
    hasBegun: () => false,
    ...wanted,
  });
  const {
    notes,
    outcome,
    reads = [],
  } = await hear({
    deps: given,
    run: mine,
    session,
    approval,
    images: new Map(),
    signal: never,
  });
  const unread = await unreadPrompts(db, mine.sessionId);
  await db.transaction().execute((tx) => markRead(tx, [...unread.map(({ id }) => id), ...reads], null));
  const reached: Outcome = outcome ?? { stopReason: 'needsInput', message: 'I would do this:', ...end };
  // Of the work only that there was some is looked at.
  expect(await conclude(given, mine, reached, { work: {} as never })).toBe(true);
  return { refused: null, notes, permits: approval.permit({ name: 'edit', input: {} }) === null };
}

const say = async (body: string, who = someone, ticket = 'BOARD-1') => {
  const { id } = await desk.comment(ticket, body, who);
  await sort();
  return id;
};
const name = async () => (await query('select identifier from tickets')).rows[0].identifier as string;
const speak = async (body: string, who = someone) => say(body, who, await name());
const proposals = async () =>
  (await query('select code, state from proposals order by number')).rows.map((row) => `${row.code} ${row.state}`);

/** A session that has proposed the first plan and shown it. */
async function proposed(given: RunDeps, draft: Partial<TicketDraft> = {}): Promise<void> {
  await file(1, { assignee: agent, ...draft });
  await sort();
  await work(given, { proposal: first });
  await post();
}

describe('a plan that waits for a yes', () => {
  test('is shown with its code; a comment revises it, and a newer one supersedes it; who may not approve costs nothing', async () => {
    const given = worker({ by: ['Ada'] });
    await proposed(given);
    expect([await states(), await proposals()]).toEqual([['awaitingInput'], [`${code} open`]]);
    const shown = await desk.show(await name());
    expect(JSON.stringify(shown)).toContain(`**Plan ${code}**`);
    expect(await violations()).toEqual([]);

    await speak('approve', bob);
    expect(await work(given, {})).toMatchObject({ refused: 'needsInput' });
    expect((await said()).at(-1)).toMatch(/^Bob, only Ada may approve here, so the plan .* still waits/);
    expect([await states(), await proposals()]).toEqual([['awaitingInput'], [`${code} open`]]);

    await speak('Use UTC', bob);
    const revised = await work(given, { proposal: second });
    expect(revised).toMatchObject({
      refused: null,
      permits: false,
      notes: [expect.stringContaining('is not approved')],
    });
    const newer = codeOf(second);
    expect(await proposals()).toEqual([`${code} superseded`, `${newer} open`]);
    expect((await said()).filter((body) => body.startsWith('Bob, only'))).toHaveLength(1);

    await post();
    await speak(`approve ${code}`);
    expect(await work(given, {})).toMatchObject({ refused: 'needsInput' });
    expect((await said()).at(-1)).toContain(`say "approve ${newer}"`);

    await speak(`approve ${newer}`);
    const approved = await work(given, { message: 'Which port?' });
    expect(approved).toMatchObject({
      refused: null,
      permits: true,
      notes: [`Ada approved the plan ${newer}: carry it out.`],
    });
    expect(await proposals()).toEqual([`${code} superseded`, `${newer} approved`]);

    // A yes or no to what was asked since is not about the plan.
    await speak('no');
    expect(await work(given, { message: 'And now?' })).toMatchObject({ refused: null, permits: true });
    expect(await violations()).toEqual([]);
  });

  test('what others say and edit after a yes is taken in, and told once to be beyond what was approved', async () => {
    const given = worker({ by: ['Ada'] });
    await proposed(given);
    await speak('approve');
    await speak('Also drop the old table', bob);
    await desk.editTicket(await name(), { description: 'And the index.' }, bob);
    await sort();
    const { permits, notes } = await work(given, { message: 'Which port?' });
    expect(permits).toBe(true);
    expect(notes[1]).toMatch(/^Some of what is said or edited now came after the plan \w+ was approved/);
    await speak('8080');
    expect((await work(given, { message: 'And now?' })).notes.join()).not.toContain('Some of what is said');
    const told = (await said()).filter((body) => body.includes('not part of what was approved'));
    expect(told).toEqual([
      expect.stringMatching(/^Ada approved the plan \w+\. Bob has said more since: .* Ada can say so, or "reject"/),
      expect.stringMatching(/^Ada approved the plan \w+\. The ticket was edited since: /),
    ]);
    expect(await proposals()).toEqual([`${code} approved`]);
  });

  test('a yes that was said before people could see it does not count, and hears so', async () => {
    const given = worker();
    await file(1);
    await sort();
    await work(given, { proposal: first });
    await speak('approve');
    await post();
    expect(await work(given, {})).toMatchObject({ refused: 'needsInput' });
    expect((await said()).at(-1)).toMatch(/^Ada, what you approved has changed since/);
    await speak('approve');
    expect(await work(given, {})).toMatchObject({ refused: null, permits: true });
  });

  test('a no ends the session with one closing word; a comment or a yes goes on with it', async () => {
    const given = worker();
    await proposed(given);
    await speak('no');
    expect(await work(given, {})).toMatchObject({ refused: 'stopped' });
    expect([await states(), await proposals()]).toEqual([['stopped'], [`${code} rejected`]]);
    expect((await said()).filter((body) => body.startsWith(`Stopped: Ada rejected the plan ${code}.`))).toHaveLength(1);
    expect(await violations()).toEqual([]);
    await speak('Without the cache');
    expect(await work(given, { proposal: first })).toMatchObject({ refused: null, permits: false });
    // The same content is the same plan, to be decided on anew.
    expect(await proposals()).toEqual([`${code} open`]);
    await post();
    await speak('reject');
    await work(given, {});
    await speak('approve');
    expect(await work(given, {})).toMatchObject({ refused: null, permits: true });
    expect(await proposals()).toEqual([`${code} approved`]);
  });

  test('a no to one that was approved and waits for another ticket ends it at once', async () => {
    const given = worker();
    await proposed(given);
    await speak('approve');
    const own = await name();
    const run = await claim();
    await file(1);
    await sort();
    const { rows } = await query('select identifier from tickets where identifier <> $1', [own]);
    const other = await findSessionByIdentifier(db, rows[0].identifier);
    if (!other) throw new Error('there is no other');
    const waits = [{ ticket: other.hint, until: 'rests' as const }];
    const heard = (await unreadPrompts(db, run.sessionId)).map(({ id }) => id);
    await conclude(given, run, { stopReason: 'waiting', message: 'I wait.', waits }, { work: null, heard });
    const standing = async () => (await findSessionByIdentifier(db, own))?.state;
    expect(await standing()).toBe('awaitingInput');
    await say('How long?', someone, own);
    expect((await said()).at(-1)).toContain('I read it when I begin');
    await say('reject', someone, own);
    for (let next = await claimRun(db, 'host:1:1'); next; next = await claimRun(db, 'host:1:1'))
      if (next.ticket === own) expect(await work(given, {}, next)).toMatchObject({ refused: 'stopped' });
    expect([await standing(), await proposals()]).toEqual(['stopped', [`${code} rejected`]]);
  });

  test('a no while it is carried out stops the run; a comment that came after the no goes on', async () => {
    const given = worker();
    await proposed(given);
    await speak('approve');
    const run = await claim();
    await speak('reject');
    await work(given, {}, run);
    expect([await states(), await proposals()]).toEqual([['stopped'], [`${code} rejected`]]);

    await speak('approve');
    const again = await claim();
    const rejected: Outcome = { stopReason: 'stopped', message: 'Stopped.', rejected: true };
    await speak('reject');
    await speak('Or do it without the cache');
    // The run at work was told to stop by the no; the comment has the next one go on.
    expect(await conclude(given, again, rejected, { work: null })).toBe(true);
    expect(await states()).toEqual(['active']);
    expect(await work(given, { proposal: second })).toMatchObject({ refused: null, permits: false });
  });

  test('two people who decide differently within a second both hear what holds', async () => {
    const given = worker();
    await proposed(given);
    await speak('approve');
    await speak('reject', bob);
    await query(`update prompts set said_at = (select max(said_at) from prompts)`);
    await work(given, {});
    expect([await states(), await proposals()]).toEqual([['stopped'], [`${code} rejected`]]);
    expect(await said()).toContainEqual(expect.stringMatching(/^Ada and Bob decided differently .* Bob said holds/));
  });

  test('"continue" and a new assignment decide nothing', async () => {
    const given = worker();
    await proposed(given);
    await speak('continue');
    expect(await work(given, {})).toMatchObject({ refused: 'needsInput' });
    await desk.unassign(await name(), someone);
    await desk.assign(await name(), agent, someone);
    await sort();
    expect(await work(given, {})).toMatchObject({ refused: 'needsInput' });
    expect((await said()).at(-1)).toMatch(/^The plan .* still waits: I go on when someone says "approve/);
    expect(await proposals()).toEqual([`${code} open`]);
  });

  /** A session whose split was approved, and what counts how often its parts are filed. */
  async function approvedSplit() {
    const parts = [{ title: 'API', description: '', repository: null, after: [] }];
    const filed = { times: 0 };
    const done: Outcome = { stopReason: 'finished', message: 'Its parts are filed.' };
    const fileParts = async () => {
      filed.times++;
      return done;
    };
    const given: RunDeps = { ...worker(), fileParts };
    await file(1);
    await sort();
    await work(given, { proposal: { kind: 'split', parts } });
    await post();
    await speak('approve');
    return { given, filed };
  }

  test('what the service does of a split that is approved ends the run, once', async () => {
    const { given, filed } = await approvedSplit();
    expect(await work(given, {})).toMatchObject({ refused: 'finished' });
    await speak('How is it going?');
    expect(await work(given, {})).toMatchObject({ refused: null });
    expect(filed.times).toBe(1);
  });

  test('a split is not filed by a run that was told to stop, but by the next', async () => {
    const { given, filed } = await approvedSplit();
    const run = await claim();
    await speak('stop');
    const { refused } = await begin(given, run);
    expect([refused, filed.times]).toEqual([null, 0]);
    expect(await conclude(given, run, { stopReason: 'stopped', message: '' }, { work: null })).toBe(true);
    await speak('continue');
    expect(await work(given, {})).toMatchObject({ refused: 'finished' });
    expect(filed.times).toBe(1);
  });

  test('what is said while a split is filed is heard by the next run', async () => {
    const { given } = await approvedSplit();
    const run = await claim();
    const { refused } = await begin(given, run);
    await speak('Only in web');
    if (!refused) throw new Error('nothing was filed');
    expect(await conclude(given, run, refused.outcome, { work: null, heard: refused.heard })).toBe(true);
    const next = await claim();
    expect((await unreadPrompts(db, next.sessionId)).map(({ body }) => body)).toContain('Only in web');
    expect(await work(given, {}, next)).toMatchObject({ refused: null });
    expect(await violations()).toEqual([]);
  });

  test('a split is not filed over a comment that nobody has read', async () => {
    const parts = [{ title: 'API', description: '', repository: null, after: [] }];
    const given: RunDeps = {
      ...worker(),
      fileParts: async () => {
        throw new Error('it was filed');
      },
    };
    await file(1);
    await sort();
    await work(given, { proposal: { kind: 'split', parts } });
    await post();
    await speak('approve');
    await speak('But the API belongs in web', bob);
    const revised = await work(given, { proposal: second });
    expect(revised).toMatchObject({ refused: null, notes: [expect.stringContaining('is not approved')] });
    expect((await said()).filter((body) => /^Ada approved the split .* more was said/.test(body))).toHaveLength(1);
    expect(await proposals()).toEqual([expect.stringContaining('superseded'), `${codeOf(second)} open`]);
  });
});

describe('a plan that is wanted and not proposed', () => {
  test('lets nothing be changed, but for answers, until work has begun', async () => {
    const given = worker();
    const permitted = async (wanted: Wanted) => {
      await file(1);
      await sort();
      const run = await claim();
      const approval = await openApproval(db, run, approversOf(given), async () => null, wanted);
      const calls = [
        ...['edit', 'write', 'bash', 'finish'].map((tool) => ({ name: tool, input: {} })),
        { name: 'finish', input: { answer: 'It is there.' } },
      ];
      return [...calls.map((call) => approval.permit(call) === null), approval.missing()];
    };
    const has = (begun: boolean) => ({ plan: async () => true, hasBegun: () => begun });
    expect(await permitted(has(false))).toEqual([false, false, true, false, true, 'wanted']);
    expect(await permitted(has(true))).toEqual([true, true, true, true, true, null]);
  });

  test('is told with new words, and cannot be had where scope is switched off', async () => {
    const given = worker();
    await desk.createTicket({ title: 'Plan it', assignee: agent, labels: ['approval:plan'] }, someone);
    await sort();
    await work(given, { message: 'Which zone?' }, undefined, { plan: async () => true });
    await speak('UTC');
    const told = await work(given, { message: 'And now?' }, undefined, { plan: async () => true });
    expect(told).toMatchObject({ permits: false, notes: [expect.stringContaining('call scope with it first')] });
    await speak('continue');
    expect(await work(worker({ deny: ['scope'] }), {})).toMatchObject({ refused: 'failed' });
    expect((await said()).at(-1)).toContain('policy.tools.deny');
  });
});

describe('an edit of the ticket while its plan waits', () => {
  const edit = async (description: string) => {
    await desk.editTicket(await name(), { description }, someone);
    await sort();
  };

  test('is heard like a comment: the plan is proposed anew', async () => {
    const given = worker();
    await proposed(given);
    await edit('In UTC, please.');
    expect(await work(given, { proposal: second })).toEqual({
      refused: null,
      notes: [expect.stringContaining('is not approved'), expect.stringContaining('In UTC, please.')],
      permits: false,
    });
    expect(await proposals()).toEqual([`${code} superseded`, `${codeOf(second)} open`]);
    await post();
    await speak('approve');
    expect(await work(given, {})).toMatchObject({ refused: null, permits: true });
  });

  test('is no matter where nothing that was said changes by it; beside a yes the model hears it', async () => {
    const given = worker();
    await proposed(given);
    await desk.move(await name(), 'In Review', someone);
    await sort();
    expect([await states(), await proposals()]).toEqual([['awaitingInput'], [`${code} open`]]);
    await edit('In UTC, please.');
    await speak('approve');
    expect(await work(given, {})).toMatchObject({
      permits: true,
      notes: [expect.stringContaining('carry it out'), expect.stringContaining('In UTC, please.')],
    });
  });
});

test('who may approve is heard, though others are named who may speak', async () => {
  const given = worker({ by: ['Ada'] });
  deps.policy.people.speak = ['bob'];
  deps.policy.approval.by = ['Ada'];
  await proposed(given);
  await speak('approve', { id: 'eve', name: 'Eve', isBot: false });
  expect(await said()).toContainEqual(expect.stringMatching(/^Eve, I take orders on this ticket from bob and Ada/));
  await speak('approve', bob);
  expect(await work(given, {})).toMatchObject({ refused: 'needsInput' });
  await speak('approve');
  expect(await work(given, {})).toMatchObject({ refused: null, permits: true });
});

describe('silence', () => {
  const given = () => worker({ silenceMinutes: 10 });
  const heed = () => heedSilence({ db, policy: worker().policy, name: agent, wake: () => {} });
  /** As if it had been shown so long ago. */
  const age = (interval: string) =>
    query(
      `update effects set settled_at = settled_at - $1::interval,
         result = json_build_object('at', (result ->> 'at')::timestamptz - $1::interval)
       where key in (select shown_by from proposals)`,
      [interval],
    );

  test('approves when its time is over, once however many look; a no after it still stops', async () => {
    await proposed(given());
    expect(await said()).toContainEqual(
      expect.stringContaining('If nobody says anything within 10 minutes, I go ahead.'),
    );
    await age('9 minutes 50 seconds');
    await heed();
    expect(await proposals()).toEqual([`${code} open`]);
    await age('20 seconds');
    await Promise.all([heed(), heed(), heed()]);
    expect([await states(), await proposals()]).toEqual([['active'], [`${code} approved`]]);
    expect((await said()).filter((body) => body.startsWith('Nobody objected'))).toHaveLength(1);
    const run = await claim();
    await speak('Mind the docs');
    await speak('reject');
    await work(given(), {}, run);
    expect([await states(), await proposals()]).toEqual([['stopped'], [`${code} rejected`]]);
    expect(await violations()).toEqual([]);
  });

  test('does not approve after a word, nor where nothing was said of it', async () => {
    await proposed(given());
    await age('11 minutes');
    await desk.comment(await name(), 'Not like this', someone);
    await sort();
    await heed();
    expect(await proposals()).toEqual([`${code} open`]);
    await query('truncate board_tickets, tickets cascade');
    await proposed(given());
    await age('11 minutes');
    await desk.editTicket(await name(), { description: 'Not like this' }, someone);
    await sort();
    await heed();
    const run = await claim();
    await heed();
    expect(await proposals()).toEqual([`${code} open`]);
    expect(await work(given(), { message: 'Like what?' }, run)).toMatchObject({ refused: null, permits: false });
    await heed();
    expect(await proposals()).toEqual([`${code} open`]);
    await query('truncate board_tickets, tickets cascade');
    await proposed(worker());
    await age('1 day');
    await heed();
    expect([await states(), await proposals()]).toEqual([['awaitingInput'], [`${code} open`]]);
  });

  test('a word that was said before it and came later takes it back', async () => {
    await proposed(given());
    await age('11 minutes');
    await heed();
    await query("update sessions set opened_at = opened_at - interval '1 hour'");
    await speak('Not like this');
    await query("update prompts set said_at = said_at - interval '5 minutes'");
    const { notes, permits } = await work(given(), { proposal: second });
    expect({ notes, permits }).toEqual({ notes: [expect.stringContaining('is not approved')], permits: false });
    expect(await proposals()).toEqual([`${code} superseded`, `${codeOf(second)} open`]);
    expect(await said()).toContainEqual(expect.stringContaining('before I went ahead with it, so it is not approved'));
  });

  const move = async (state: string) => {
    await desk.move(await name(), state, someone);
    await sort();
  };
  const take = async () => {
    await desk.unassign(await name(), someone);
    await sort();
  };
  const give = async () => {
    await desk.assign(await name(), agent, someone);
    await sort();
  };
  test.each([
    ['was stopped', () => speak('stop'), () => speak('continue')],
    ['was taken and given back', take, give],
    ['was closed and opened again', () => move('Done'), () => move('Todo')],
    ['was to go on', () => speak('continue'), async () => {}],
    ['was approved by one who may not', () => speak('approve', bob), async () => {}],
  ])('does not approve any more once it %s: it waits for the word that it asks for', async (_what, break_, goOn) => {
    const only = worker({ silenceMinutes: 10, by: ['Ada'] });
    await proposed(only);
    await break_();
    await goOn();
    expect(await work(only, {})).toMatchObject({ refused: 'needsInput' });
    expect((await said()).at(-1)).toContain('still waits: I go on when Ada says');
    await age('1 day');
    await heedSilence({ db, policy: only.policy, name: agent, wake: () => {} });
    expect([await states(), await proposals()]).toEqual([['awaitingInput'], [`${code} open`]]);
    await speak('approve');
    expect(await work(only, {})).toMatchObject({ refused: null, permits: true });
    expect(await violations()).toEqual([]);
  });

  test.each([
    [
      'a stop',
      async () => {
        await speak('stop');
        await query("update prompts set said_at = said_at - interval '5 minutes' where signal = 'stop'");
      },
    ],
    [
      'a close',
      async () => {
        await move('Done');
        await query("update sessions set over_at = over_at - interval '5 minutes'");
        await move('Todo');
      },
    ],
  ])('%s that came before it was over and is told later takes it back, and that is said', async (_what, late) => {
    await proposed(given());
    await age('11 minutes');
    await heed();
    await query("update sessions set opened_at = opened_at - interval '1 hour'");
    await late();
    await speak('continue');
    expect(await work(given(), {})).toMatchObject({ refused: 'needsInput' });
    expect(await said()).toContainEqual(expect.stringContaining('is not approved: it waits for a yes'));
    await heed();
    expect([await states(), await proposals()]).toEqual([['awaitingInput'], [`${code} open`]]);
  });

  test('an edit that was made before it and came later takes it back, too; one after it does not', async () => {
    for (const [ago, permits] of [
      ['5 minutes', false],
      ['0 minutes', true],
    ] as const) {
      await proposed(given());
      await age('11 minutes');
      await heed();
      await desk.editTicket(await name(), { description: 'Not like this' }, someone);
      await sort();
      await query('update sessions set edited_at = edited_at - $1::interval', [ago]);
      expect(await work(given(), {})).toMatchObject({ refused: null, permits });
      await query('truncate board_tickets, tickets cascade');
    }
  });
});

test('two people who answer a question differently within a second: the model and the ticket are told which holds', async () => {
  await file(1);
  await sort();
  await work(worker(), { message: 'Which zone?' });
  await speak('UTC');
  await speak('Local time', bob);
  await query("update prompts set said_at = (select max(said_at) from prompts) - interval '1 ms' where body = 'UTC'");
  // A run that only waits for another ticket has asked nothing, and read nothing.
  const run = await claim();
  const heard = (await unreadPrompts(db, run.sessionId)).map(({ id }) => id);
  const waits: Outcome = { stopReason: 'waiting', message: 'I wait.', waits: [] };
  expect(await conclude(worker(), run, waits, { work: null, heard })).toBe(true);
  await speak('continue');
  const { notes } = await work(worker(), { message: 'And the format?' });
  expect(notes).toEqual([expect.stringMatching(/^Ada and Bob answered differently .* Bob's, holds/)]);
  expect((await said()).filter((body) => body.includes("I take the later answer, Bob's"))).toHaveLength(1);
  await speak('ISO');
  expect(await work(worker(), {})).toMatchObject({ notes: [] });
});

describe('a label or a field that says what people think of a plan', () => {
  const edit = async (change: Parameters<typeof desk.editTicket>[1], who = someone) => {
    await desk.editTicket(await name(), change, who);
    await sort();
  };
  const runs = async () => Number((await query('select count(*) from runs')).rows[0].count);
  const prompts = async () =>
    (await query("select author ->> 'name' || ': ' || body as said from prompts order by seq")).rows.map(
      ({ said }) => said,
    );

  test('counts from who may approve, once people could see it, and is no edit', async () => {
    const given = worker({ by: ['Ada'], marks });
    await proposed(given, { labels: ['plan-approved', 'ui'], fields: { 'Plan approval': 'Approved' } });
    expect((await said()).at(-1)).toContain(
      'The label "plan-approved" approves it, too. The label "plan-rejected" rejects',
    );
    expect([await states(), await runs()]).toEqual([['awaitingInput'], 1]);
    // It was there before, and is taken off; nothing follows from either.
    await edit({ labels: ['ui'] });
    await edit({ fields: { 'Plan approval': 'In discussion' } });
    expect([await proposals(), await prompts(), await runs()]).toEqual([[`${code} open`], [], 1]);

    await edit({ labels: ['ui', 'Plan-Approved'] }, bob);
    expect(await work(given, {})).toMatchObject({ refused: 'needsInput' });
    expect((await said()).at(-1)).toMatch(/^Bob, only Ada may approve here/);

    await edit({ labels: ['ui'] });
    await edit({ labels: ['ui', 'plan-approved'] });
    const approved = await work(given, { message: 'Which port?' });
    expect(approved).toEqual({ refused: null, permits: true, notes: [`Ada approved the plan ${code}: carry it out.`] });
    expect([await proposals(), await prompts()]).toEqual([[`${code} approved`], ['Bob: approve', 'Ada: approve']]);
    expect(await violations()).toEqual([]);
  });

  test('says no as well, by a value of the field too; what else was changed with it is an edit', async () => {
    const given = worker({ marks });
    await proposed(given);
    await edit({ labels: ['plan-rejected', 'plan-approved'] });
    expect(await work(given, {})).toMatchObject({ refused: 'stopped' });
    expect([await states(), await proposals()]).toEqual([['stopped'], [`${code} rejected`]]);
    await edit({ fields: { 'Plan approval': 'Approved' }, description: 'And the index.' });
    const { permits, notes } = await work(given, { message: 'Which port?' });
    expect([permits, await proposals()]).toEqual([true, [`${code} approved`]]);
    expect(notes.join()).toContain('And the index.');
    expect(notes.join()).not.toContain('Plan approval');
  });

  test('means nothing where none is set, nor where nothing is proposed', async () => {
    await proposed(worker());
    await edit({ labels: ['plan-approved'] });
    expect([await prompts(), await runs()]).toEqual([[], 2]); // an edit may be the answer to what was asked
    worker({ marks });
    const [other = ''] = await file(1);
    await sort();
    await desk.editTicket(other, { labels: ['plan-approved'] }, someone);
    await sort();
    expect(await prompts()).toEqual([]);
  });

  test('is found in the history of a tracker that tells of it in no delivery, once', async () => {
    const given = worker({ by: ['Ada'], marks });
    await proposed(given);
    net.loses = () => true;
    const { rows } = await query(`select now() - interval '1 hour' as before, now() + interval '1 second' as after`);
    const [{ before, after }] = rows;
    const marking = (key: string, at: Date, got: string[], by = someone): MarkingBy => ({
      ...{ key, by, at: at.toISOString(), got, lost: [], fields: {} },
    });
    const history = [marking('1', before, ['plan-approved'])];
    let reads = 0;
    const readMarkings = async () => {
      reads++;
      return history;
    };
    const board: Tracker = { ...tracker, readMarkings };
    const polled = depsWith(board);
    Object.assign(polled.policy.approval, { by: ['Ada'], ...marks });
    const look = () => round(polled, { hasWebhooks: false });
    await look();
    history.push(marking('2', after, ['ui']), marking('3', after, ['plan-approved'], { ...bob, isBot: true }));
    await look();
    expect([await prompts(), await runs()]).toEqual([[], 1]);
    history.push(marking('4', after, ['plan-approved']));
    await look();
    await look();
    expect([await prompts(), await runs(), reads]).toEqual([['Ada: approve'], 2, 4]);
    expect(await work(given, {})).toMatchObject({ refused: null, permits: true });
    // Once it is done, nobody asks any more.
    await query('update proposals set carried_out_at = now()');
    await look();
    expect(reads).toBe(4);
  });
});
