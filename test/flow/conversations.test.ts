import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { RunLost } from '../../src/core/step.ts';
import type { ClaimedRun } from '../../src/store/runs.ts';
import { openStage, type Stage } from './talking.ts';

/** What people say. */
const words = ['stop', 'continue', 'Use the other colour.', 'yes', 'x'.repeat(100_000)];
const people = ['ada', 'ben'];

/** What can happen in a conversation; tickets, people and runs by number. */
type Act =
  | { type: 'say'; ticket: number; by: number; word: number }
  | { type: 'give' | 'take' | 'close' | 'reopen' | 'edit'; ticket: number; by: number }
  | { type: 'repeat'; delivery: number }
  | { type: 'loseNext' | 'sort' | 'post' | 'reconcile' | 'claim' }
  | { type: 'turn' | 'fall' | 'letGo'; run: number }
  | { type: 'end'; run: number; outcome: number };

const outcomes: Outcome[] = [
  { stopReason: 'needsInput', message: 'Which colour?', options: ['red', 'blue'] },
  { stopReason: 'finished', message: 'Nothing needs to change.' },
  { stopReason: 'budgetExceeded', message: 'The limit of turns is reached.' },
  { stopReason: 'loopDetected', message: 'I go in circles.' },
  { stopReason: 'failed', message: 'Something broke.' },
];

const ticket = fc.nat(1);
const by = fc.nat(1);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('say' as const), ticket, by, word: fc.nat(words.length - 1) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom('give', 'give', 'take', 'close', 'reopen', 'edit'), ticket, by }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('repeat' as const), delivery: fc.nat() }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constantFrom('sort', 'sort', 'sort', 'claim', 'claim', 'post') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('loseNext', 'reconcile') }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constantFrom('turn', 'turn', 'fall', 'letGo'), run: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('end' as const), run: fc.nat(3), outcome: fc.nat(outcomes.length - 1) }),
  },
);

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

/** Plays a conversation on two new tickets, and then lets the service come to rest. */
async function play(acts: Act[]): Promise<void> {
  const tickets: string[] = [];
  for (const title of ['One', 'Two']) tickets.push((await stage.desk.createTicket({ title }, person(0))).identifier);
  const held: ClaimedRun[] = [];
  await stage.desk.assign(tickets[0] ?? '', 'shipmate', person(0));
  for (const each of acts) await happen(each, tickets, held);
  await settle(held);
}

async function happen(act: Act, tickets: string[], held: ClaimedRun[]): Promise<void> {
  const { desk } = stage;
  const on = 'ticket' in act ? (tickets[act.ticket] ?? '') : '';
  const who = person('by' in act ? act.by : 0);
  const run = 'run' in act ? held[act.run % Math.max(1, held.length)] : undefined;
  switch (act.type) {
    case 'say':
      await desk.comment(on, words[act.word] ?? '', who);
      break;
    case 'give':
      await desk.assign(on, 'shipmate', who);
      break;
    case 'take':
      await desk.unassign(on, who);
      break;
    case 'close':
      await desk.move(on, 'Done', who);
      break;
    case 'reopen':
      await desk.move(on, 'Todo', who);
      break;
    case 'edit':
      await desk.editTicket(on, { description: `As of ${held.length} and ${Math.random()}.` }, who);
      break;
    case 'repeat':
      return stage.repeat(act.delivery);
    case 'loseNext':
      stage.net.isLost = true;
      return;
    case 'sort':
      return stage.sort();
    case 'post':
      return stage.post();
    case 'reconcile':
      return stage.reconcile();
    case 'claim': {
      const claimed = await stage.claim();
      if (claimed) held.push(claimed);
      return;
    }
    case 'turn':
      if (run) await asLong(held, run, () => stage.turn(run));
      return;
    case 'fall':
    case 'letGo':
      // A worker that fell may go on for a while: it stays in `held`, and must not be able to write.
      if (run) await stage.fall(run, act.type === 'letGo');
      return;
    case 'end': {
      const outcome = outcomes[act.outcome];
      if (run && outcome)
        await asLong(held, run, async () => {
          if (await stage.conclude(run, outcome)) held.splice(held.indexOf(run), 1);
        });
      return;
    }
  }
  stage.net.isLost = false;
}

/** Does it as long as the run is its worker's. */
async function asLong(held: ClaimedRun[], run: ClaimedRun, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RunLost) && (error as Error).name !== 'StopRequested') throw error;
    if (error instanceof RunLost) held.splice(held.indexOf(run), 1);
  }
}

/** Deliveries are sorted, what was missed is found, runs come to their ends, and all that is to be told is told. */
async function settle(held: ClaimedRun[]): Promise<void> {
  stage.net.isLost = false;
  for (const run of held.splice(0)) await stage.fall(run, true);
  await stage.reconcile();
  for (let round = 0; round < 20; round++) {
    await stage.sort();
    const run = await stage.claim();
    if (!run) break;
    held.push(run);
    for (let tries = 0; held.length > 0 && tries < 10; tries++)
      await asLong(held, run, async () => {
        await asLong(held, run, () => stage.turn(run));
        if (await stage.conclude(run, { stopReason: 'finished', message: 'Done.' })) held.pop();
      });
  }
  // What could not be sent at once is tried again a moment later, as it is in the service.
  await expect
    .poll(async () => {
      await stage.post();
      return stage.unsent();
    })
    .toBe(0);
}

function person(number: number) {
  const id = people[number] ?? 'ada';
  return { id, name: id, isBot: false };
}

const conversations = Number(process.env.CONVERSATIONS ?? 100);

test('whatever people say, whoever falls: a conversation comes to rest, and all that must hold holds', async () => {
  const since = performance.now();
  let acts = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40, size: 'max' }), async (conversation) => {
      acts += conversation.length;
      await play(conversation);
      expect(await stage.violations()).toEqual([]);
      expect((await stage.moves()).wrong).toEqual([]);
    }),
    { numRuns: conversations, endOnFailure: true },
  );
  const { all } = await stage.moves();
  const kinds = new Set(all.map(({ from, to }) => `${from} -> ${to}`));
  const seconds = Math.round((performance.now() - since) / 1000);
  console.log(
    `${conversations} conversations of ${acts} acts in ${seconds} s: ${all.length} moves of ${kinds.size} kinds`,
  );
  expect(kinds.size).toBeGreaterThan(8);
}, 300_000);
