import fc from 'fast-check';
import { expect } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { codeOf } from '../../src/core/proposal.ts';
import { hintOf, type TicketHint } from '../../src/core/ticket.ts';
import { agent, people, type Stage } from './talking.ts';
import type { Worker } from './working.ts';

const plan = { kind: 'plan' as const, steps: ['Read the parser', 'Mend it'] };
const otherPlan = { kind: 'plan' as const, steps: ['Read the parser', 'Mend it', 'Use UTC'] };
const part = { description: '', repository: null };
const split = {
  kind: 'split' as const,
  parts: [
    { ...part, title: 'API', after: [] },
    { ...part, title: 'Page', after: [0] },
  ],
};

/** What people say. */
const words = {
  stop: 'stop',
  goOn: 'continue',
  hint: 'Use the other colour.',
  yes: 'yes',
  yesToPlan: `approve ${codeOf(plan)}`,
  no: 'no',
  long: 'x'.repeat(100_000),
};
export type Word = keyof typeof words;

/** What a run comes to; `rests`: it waits until the other ticket's session is at rest. */
const outcomes = {
  question: { stopReason: 'needsInput', message: 'Which colour?', options: ['red', 'blue'] },
  finished: { stopReason: 'finished', message: 'Nothing needs to change.' },
  spent: { stopReason: 'budgetExceeded', message: 'The limit of turns is reached.' },
  circles: { stopReason: 'loopDetected', message: 'I go in circles.' },
  failed: { stopReason: 'failed', message: 'Something broke.' },
  plan: { stopReason: 'needsInput', message: 'I would do this:', proposal: plan },
  otherPlan: { stopReason: 'needsInput', message: 'I would do this:', proposal: otherPlan },
  split: { stopReason: 'needsInput', message: 'It is too large for one.', proposal: split },
  rests: { stopReason: 'waiting', message: 'Somebody is at the same files.' },
} satisfies Record<string, Outcome>;
export type OutcomeName = keyof typeof outcomes;

/** What people do to a ticket, and what the service and its surroundings do by themselves. */
export type Deed = 'give' | 'take' | 'close' | 'reopen' | 'block' | 'unblock';
export type Doing = 'loseNext' | 'sort' | 'post' | 'refuse' | 'reconcile' | 'sweep' | 'claim' | 'red' | 'green';

/**
 * What can happen in a conversation. Tickets are numbered: the first two, then the parts that were filed; so are people and
 * runs; where nobody has a run, the next is taken. `block`: of the first two tickets, the other blocks this one. `refuse`: what is to leave does, but the board files
 * no ticket. `red`, `green`: the checks of pull requests have ended so.
 */
export type Act =
  | { type: 'say'; ticket: number; by: number; word: Word }
  | { type: Deed; ticket: number; by: number }
  | { type: 'edit'; ticket: number; by: number; text: number }
  | { type: 'mark'; ticket: number; by: number; labels: 'go' | 'no-go' | 'ui' }
  | { type: 'rate'; ticket: number }
  | { type: 'repeat'; delivery: number }
  | { type: 'wait'; minutes: number }
  | { type: Doing }
  | { type: 'turn' | 'fall' | 'letGo'; run: number }
  | { type: 'end'; run: number; outcome: OutcomeName };

const ticket = fc.constantFrom(0, 0, 0, 1, 1, 2, 3);
const by = fc.nat(1);
const run = fc.nat(2);
const always = <T>(value: T) => fc.constant(value);
const speaker = fc.constantFrom(0, 0, 0, 1, 1, 2);
const word = fc.constantFrom<Word>('stop', 'goOn', 'goOn', 'hint', 'hint', 'yes', 'yes', 'yesToPlan', 'no', 'long');
const outcome = fc.constantFrom<OutcomeName>('plan', 'plan', 'split', ...(Object.keys(outcomes) as OutcomeName[]));
const mark = fc.constantFrom('go' as const, 'go' as const, 'no-go' as const, 'ui' as const);
const minutes = fc.constantFrom(11, 11, 61, 25 * 60, 15 * 24 * 60);
const deeds = ['give', 'give', 'take', 'close', 'reopen', 'block', 'block', 'unblock'] as const;
const doings = ['sort', 'sort', 'sort', 'claim', 'claim', 'post', 'post', 'sweep'] as const;

export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: always('say' as const), ticket, by: speaker, word }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom(...deeds), ticket, by }) },
  { weight: 1, arbitrary: fc.record({ type: always('edit' as const), ticket, by, text: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ type: always('mark' as const), ticket, by: speaker, labels: mark }) },
  { weight: 1, arbitrary: fc.record({ type: always('rate' as const), ticket }) },
  { weight: 1, arbitrary: fc.record({ type: always('repeat' as const), delivery: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: always('wait' as const), minutes }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constantFrom(...doings) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('loseNext', 'reconcile', 'refuse', 'red', 'green') }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('turn', 'turn', 'fall', 'letGo'), run }) },
  { weight: 5, arbitrary: fc.record({ type: always('end' as const), run, outcome }) },
);

/** A conversation as it goes. */
interface Talk {
  stage: Stage;
  /** The two that it is about. */
  tickets: TicketHint[];
  /** Workers that have a run, or had one when they last looked; and those among them that nobody hears of any more. */
  held: Worker[];
  fallen: Set<Worker>;
}

/** Plays a conversation on two new tickets, and then lets the service come to rest. */
export async function play(stage: Stage, acts: Act[]): Promise<void> {
  const tickets: TicketHint[] = [];
  for (const title of ['One', 'Two']) tickets.push(hintOf(await stage.desk.createTicket({ title }, person(0))));
  await stage.desk.assign(tickets[0]?.identifier ?? '', agent, person(0));
  const talk: Talk = { stage, tickets, held: [], fallen: new Set() };
  for (const each of acts) await happen(talk, each);
  await settle(talk);
  await approveAll(talk);
}

/** What people are asked to approve at the end can be approved, whatever was said before. */
async function approveAll(talk: Talk): Promise<void> {
  const { stage } = talk;
  const asked = await stage.proposed();
  if (asked.length === 0) return;
  await stage.wait(61);
  for (const { ticket, code } of asked) await stage.desk.comment(ticket, `approve ${code}`, person(0));
  await settle(talk);
  expect(await stage.proposed(), 'what Ada has approved').toEqual([]);
}

async function happen(talk: Talk, act: Act): Promise<void> {
  const { stage, held, fallen } = talk;
  const { desk, net } = stage;
  const on = 'ticket' in act ? await nameOf(talk, act.ticket) : '';
  const who = person('by' in act ? act.by : 0);
  if ((act.type === 'turn' || act.type === 'end') && held.length === 0) {
    await stage.sort();
    await claim(talk);
  }
  const worker = 'run' in act ? held[act.run % Math.max(1, held.length)] : undefined;
  switch (act.type) {
    case 'say':
      await desk.comment(on, words[act.word], who);
      break;
    case 'give':
      await desk.assign(on, agent, who);
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
      await desk.editTicket(on, { description: `As of ${act.text}.` }, who);
      break;
    case 'mark':
      await desk.editTicket(on, { labels: [act.labels] }, who);
      break;
    case 'block':
    case 'unblock': {
      const names = [await nameOf(talk, act.ticket % 2), await nameOf(talk, (act.ticket + 1) % 2)] as const;
      await (act.type === 'block' ? desk.relate(names[0], 'blockedBy', names[1], who) : desk.unrelate(...names, who));
      break;
    }
    case 'rate':
      return stage.askToScope(on);
    case 'repeat':
      return stage.repeat(act.delivery);
    case 'wait':
      await stage.wait(act.minutes);
      await stage.live(held.filter((each) => !fallen.has(each)));
      return;
    case 'loseNext':
      net.isLost = true;
      return;
    case 'refuse':
      net.refuses = true;
      await stage.post();
      net.refuses = false;
      return;
    case 'red':
    case 'green':
      return stage.checked(act.type === 'red' ? 'failed' : 'passed');
    case 'sort':
      return stage.sort();
    case 'post':
      return stage.post();
    case 'reconcile':
      return stage.reconcile();
    case 'sweep':
      return stage.sweep();
    case 'claim':
      return claim(talk);
    case 'turn':
      if (worker && !(await stage.turn(worker))) held.splice(held.indexOf(worker), 1);
      return;
    case 'fall':
    case 'letGo':
      // It may go on for a while: it stays in `held`, and must not be able to write.
      if (worker) await stage.fall(worker, act.type === 'letGo');
      if (worker) fallen.add(worker);
      return;
    case 'end':
      if (worker && !(await stage.end(worker, outcomeOf(talk, worker, act.outcome))))
        held.splice(held.indexOf(worker), 1);
      return;
  }
  net.isLost = false;
}

async function claim({ stage, held }: Talk): Promise<void> {
  const worker = await stage.claim();
  if (worker) held.push(worker);
}

async function nameOf({ stage, tickets }: Talk, number: number): Promise<string> {
  const names = number < 2 ? tickets.map(({ identifier }) => identifier) : await stage.tickets();
  return names[number % names.length] ?? '';
}

function outcomeOf({ tickets }: Talk, { run }: Worker, name: OutcomeName): Outcome {
  const others = tickets.filter(({ identifier }) => identifier !== run.ticket).slice(0, 1);
  const waits = others.map((ticket) => ({ ticket, until: 'rests' as const }));
  return name === 'rests' ? { ...outcomes.rests, waits } : outcomes[name];
}

/** Deliveries are sorted, what was missed is found, runs come to their ends, and all that is to be told is told. */
async function settle({ stage, held }: Talk): Promise<void> {
  stage.net.isLost = false;
  for (const worker of held.splice(0)) await stage.fall(worker, true);
  await stage.reconcile();
  for (let round = 0; round < 30; round++) {
    await stage.sort();
    await stage.sweep();
    const worker = await stage.claim();
    if (worker) {
      let tries = 0;
      while (tries < 10 && (await stage.end(worker, outcomes.finished))) tries++;
      expect(tries, `run ${worker.run.number} of ${worker.run.ticket} ends`).toBeLessThan(10);
      continue;
    }
    // What could not be sent at once is tried again a moment later, as it is in the service.
    await expect
      .poll(async () => {
        await stage.post();
        return stage.unsent();
      })
      .toBe(0);
    if ((await stage.unrested()) === 0) return;
  }
  throw new Error('the conversation does not come to rest');
}

function person(number: number) {
  const id = people[number] ?? 'ada';
  return { id, name: id, isBot: false };
}
