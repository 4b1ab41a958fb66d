import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Followed } from '../../src/core/scope.ts';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';
import { type Beginning, mayBegin } from '../../src/flow/before-work.ts';
import { conclude } from '../../src/flow/conclude.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { wakeWaiting } from '../../src/flow/wake-waiting.ts';
import { openProposal } from '../../src/store/proposals.ts';
import { addRatings, compareRatings, listSamples } from '../../src/store/ratings.ts';
import { type ClaimedRun, claimRun } from '../../src/store/runs.ts';
import { findSession, findSessionByIdentifier } from '../../src/store/sessions.ts';
import { someone } from '../support/service.ts';
import { agent, db, deps, desk, never, query, said, sort, tracker, useBoard, violations } from './reconciling.ts';

useBoard();

const worker = (overlap: 'tell' | 'wait') =>
  ({
    ...deps,
    policy: { runsPerHour: null, stages: 'review-each', approval: { by: [], silenceMinutes: null }, overlap },
    name: agent,
    knownSecrets: [],
    fields: defaultFieldNames,
    repositories: new Map(),
  }) as unknown as RunDeps;

const file = async (title: string) => (await desk.createTicket({ title, assignee: agent }, someone)).identifier;
const sessionOf = async (ticket: string) => {
  const session = await findSessionByIdentifier(db, ticket);
  if (!session) throw new Error(`${ticket} has no session`);
  return session;
};

async function claim(ticket: string): Promise<ClaimedRun> {
  const run = await claimRun(db, 'host:1:1');
  expect(run?.ticket).toBe(ticket);
  return run as ClaimedRun;
}

/** As if a run had rated its ticket to touch these files. */
async function rate(run: ClaimedRun, followed: Followed, files = ['src/x.ts']): Promise<void> {
  await query("update sessions set repository = 'web' where id = $1", [run.sessionId]);
  const rating = { confidence: 'green' as const, size: 'S' as const, files, plan: [], questions: [], parts: [] };
  const record = { rating, followed, repository: 'web', isBug: false, estimate: null };
  await db
    .transaction()
    .execute((tx) => addRatings(tx, { sessionId: run.sessionId, runId: run.id, stepId: randomUUID() }, [record]));
}

const end = (run: ClaimedRun, outcome: Outcome, heard: string[] = []) =>
  conclude(worker('wait'), run, outcome, { work: null, heard });
const rests = (run: ClaimedRun) => end(run, { stopReason: 'needsInput', message: 'Which?' });

/** Whether a claimed run may begin; one that may not ends by it. */
async function begin(
  run: ClaimedRun,
  overlap: 'tell' | 'wait' = 'wait',
): Promise<{ waitsFor: string[]; note: string }> {
  const session = await findSession(db, run.sessionId);
  if (!session) throw new Error('the run has no session');
  const ticket = await tracker.readTicket(session.hint, never);
  const facts = readFacts(ticket, defaultFieldNames);
  const beginning: Beginning = { deps: worker(overlap), run, session, ticket, facts, standsOn: null, signal: never };
  const refused = await mayBegin(beginning);
  if (refused) expect(await end(run, refused.outcome, refused.heard)).toBe(true);
  const waitsFor = (refused?.outcome.waits ?? []).map((wait) => wait.ticket.identifier);
  expect(refused?.outcome.stopReason ?? 'begins').toBe(waitsFor.length > 0 ? 'waiting' : 'begins');
  return { waitsFor, note: beginning.note ?? '' };
}

const works = { waitsFor: [], note: '' };
const wake = () => wakeWaiting(deps, never);

/** A ticket that is being worked on, and others that were rated while it was and wait for it. */
async function threeOnOneFile(): Promise<{ a: ClaimedRun; names: [string, string, string] }> {
  const names: [string, string, string] = [await file('A'), await file('B'), await file('C')];
  await sort();
  const a = await claim(names[0]);
  await rate(a, 'work');
  const { hint } = await sessionOf(names[0]);
  for (const name of names.slice(1)) {
    const run = await claim(name);
    await rate(run, 'wait');
    await end(run, { stopReason: 'waiting', message: 'I wait.', waits: [{ ticket: hint, until: 'rests' }] });
  }
  return { a, names };
}

describe('files of a rating that was made earlier', () => {
  test('of two that wake at once one begins, the other waits for it, and then begins too', async () => {
    const { a, names } = await threeOnOneFile();
    const [, nameOfB, nameOfC] = names;
    await rests(a);
    await wake();
    const [b, c] = [await claim(nameOfB), await claim(nameOfC)];
    expect(await Promise.all([begin(c), begin(b)])).toEqual([{ waitsFor: [nameOfB], note: '' }, works]);
    expect((await said()).at(-1)).toBe(
      `${nameOfB} is being worked on at the same time and touches \`src/x.ts\` too.\n\n` +
        `I wait until the work on ${nameOfB} rests, because it touches the same files (\`policy.overlap\`). Say "continue" to have me begin at once.`,
    );
    await wake();
    expect(await claimRun(db, 'host:1:1'), 'B is still at work').toBeNull();
    await rests(b);
    await wake();
    expect(await begin(await claim(nameOfC))).toEqual(works);
    expect(await violations()).toEqual([]);
  });

  test('"tell" says it instead, on the ticket once and to the agent, to the later one', async () => {
    const { a, names } = await threeOnOneFile();
    const [, nameOfB, nameOfC] = names;
    await rests(a);
    await wake();
    const [b, c] = [await claim(nameOfB), await claim(nameOfC)];
    await rate(c, 'work', ['src']);
    const note = `${nameOfB} is being worked on at the same time and touches \`src/x.ts\` too.`;
    for (const _again of [1, 2]) expect(await begin(c, 'tell')).toEqual({ waitsFor: [], note });
    expect((await said()).filter((text) => text === note)).toHaveLength(1);
    expect(await begin(b, 'tell')).toEqual(works);
  });

  test('"continue" has it begin beside the other, and that is said', async () => {
    const { a, names } = await threeOnOneFile();
    const [nameOfA, nameOfB] = names;
    await desk.comment(nameOfB, 'continue', someone);
    await sort();
    const begun = await begin(await claim(nameOfB));
    expect(begun).toEqual({
      waitsFor: [],
      note: `${nameOfA} is being worked on at the same time and touches \`src/x.ts\` too.`,
    });
    expect(await said()).toContain(begun.note);
    await rests(a);
  });

  test('a plan that was approved later waits; one that nobody has approved is only talked about', async () => {
    const [planned, other] = [await file('Planned'), await file('Other')];
    await sort();
    const proposing = await claim(planned);
    await rate(proposing, 'plan');
    const content = { kind: 'plan' as const, steps: ['Write it'] };
    await end(proposing, { stopReason: 'needsInput', message: 'I would do this:', proposal: content });
    await query("update effects set state = 'done', settled_at = now()");
    const busy = await claim(other);
    await rate(busy, 'work');

    await desk.comment(planned, 'Do it in two steps', someone);
    await sort();
    const revising = await claim(planned);
    expect(await begin(revising)).toEqual(works);
    const { sessionId, id: runId } = revising;
    await db
      .transaction()
      .execute((tx) => openProposal(tx, { sessionId, runId, content, shownBy: 'x', silenceMinutes: null }));
    await query("update proposals set state = 'approved', decided_by = $1", [someone]);
    expect(await begin(revising)).toEqual({ waitsFor: [other], note: '' });
  });

  test('a ticket that was only rated, and given later, waits; one whose work has begun goes on and says so', async () => {
    const [rated, other] = [await file('Rated'), await file('Other')];
    await sort();
    const run = await claim(rated);
    await rate(run, 'work');
    await query("update runs set purpose = 'scope' where id = $1", [run.id]);
    const busy = await claim(other);
    await rate(busy, 'work');
    await query("update runs set started_at = started_at - interval '1 minute' where id = $1", [busy.id]);
    await query(
      `insert into steps (id, run_id, session_id, kind, key, attempt, input, result, completed_at)
       select gen_random_uuid(), id, session_id, 'tool', '1:0:edit', 1, '{}', '{}', now() from runs where id = $1`,
      [run.id],
    );
    const next = { ...run, number: 2 };
    await query('update runs set ended_at = now() where id = $1', [run.id]);
    await query(
      `insert into runs (id, session_id, number, attempt, worker, started_at)
       select gen_random_uuid(), session_id, 2, 1, worker, now() from runs where id = $1`,
      [run.id],
    );
    next.id = (await query('select id from runs where number = 2')).rows[0].id;
    expect((await begin(next)).note).toContain(`${other} is being worked on`);
    await query('delete from steps');
    expect(await begin(next)).toEqual({ waitsFor: [other], note: '' });
  });

  test('what has to be rated again first is not held up', async () => {
    const [asked, other] = [await file('Asked'), await file('Other')];
    await sort();
    const run = await claim(asked);
    await rate(run, 'ask');
    const busy = await claim(other);
    await rate(busy, 'work');
    await query("update runs set started_at = started_at - interval '1 minute' where id = $1", [busy.id]);
    expect(await begin(run)).toEqual(works);
  });
});

test('what nobody worked on is no sample of what work takes', async () => {
  const outcome = { stopReason: 'finished' as const, message: 'Over.' };
  const endings: [Followed, Outcome][] = [
    ['split', { ...outcome, carriesOut: randomUUID() }],
    ['work', { ...outcome, leads: { overview: [], to: null } }],
    ['ask', { ...outcome, givesBack: 'red' }],
  ];
  for (const [followed, ending] of endings) {
    const name = await file('Not worked on');
    await sort();
    const run = await claim(name);
    await rate(run, followed);
    await end(run, ending);
  }
  expect(await listSamples(db)).toEqual([]);
  // As earlier versions left them.
  await query("update ratings set stop_reason = 'finished', minutes = 2");
  expect((await listSamples(db)).length).toBe(1);
  expect(await compareRatings(db)).toMatchObject([{ confidence: 'green', rated: 3, finished: 1 }]);
});
