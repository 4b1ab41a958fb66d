import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionStates, sessionTransitions } from '../../src/core/session.ts';
import { type Act, act, type Deed, type Doing, type OutcomeName, play, type Word } from './happening.ts';
import { openStage, type Stage } from './talking.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const doing = (...types: Doing[]): Act[] => types.map((type) => ({ type }));
const [sort, post, sweep, claim] = doing('sort', 'post', 'sweep', 'claim') as [Act, Act, Act, Act];
const deed = (type: Deed, ticket: number): Act => ({ type, ticket, by: 0 });
const say = (word: Word, by = 0): Act => ({ type: 'say', ticket: 0, by, word });
const wait = (minutes: number): Act => ({ type: 'wait', minutes });
const rate: Act = { type: 'rate', ticket: 1 };
const edit: Act = { type: 'edit', ticket: 0, by: 0, text: 1 };
const mark = (labels: 'go' | 'no-go' | 'ui', by = 0): Act => ({ type: 'mark', ticket: 0, by, labels });
const letGo: Act = { type: 'letGo', run: 0 };
const turn: Act = { type: 'turn', run: 0 };
const end = (outcome: OutcomeName, run = 0): Act => ({ type: 'end', run, outcome });
const fourTimes = (...acts: Act[]): Act[] => [acts, acts, acts, acts].flat();

/** What chance may not find in so few walks: each kind of move, and whatever `seen` names, is in one of these. */
const chosen: Act[][] = [
  // More runs than may be in an hour, after each kind of rest.
  [...fourTimes(end('failed'), say('hint')), sort],
  [...fourTimes(end('finished'), say('hint')), sort],
  [...fourTimes(end('question'), say('stop'), sort, say('hint')), sort],
  // Given when it is closed; stopped at work; limits and circles; a stranger, and an edit at work.
  [deed('close', 1), deed('give', 1), sort],
  [turn, say('stop'), sort, turn],
  [end('spent'), say('goOn'), end('circles'), say('hint')],
  [say('stop', 2), turn, edit, sort, turn],
  // A plan is approved by one who may; rejected, also while it is revised or carried out, or when nobody works on it, with
  // a wish that comes before anybody has looked; superseded, and the yes is to the older one; nobody objects.
  [end('plan'), post, say('yes', 1), turn, post, say('yes'), end('finished')],
  [end('plan'), post, say('no', 1), turn],
  [end('plan'), post, say('no'), turn, say('hint'), end('plan')],
  [end('plan'), post, say('hint'), turn, say('no'), sort, turn],
  [end('plan'), post, say('yes'), turn, say('no'), sort, turn],
  [end('plan'), post, say('yes'), turn, letGo, say('no'), sort, say('hint'), sort, claim, end('finished', 1)],
  [end('plan'), post, say('hint'), end('otherPlan'), post, say('yesToPlan'), turn],
  [end('plan'), post, wait(11), sweep, end('finished')],
  // The same by labels: of a stranger, of one who may not approve, before it is shown, and of one who may; a no, and again a yes.
  [
    mark('go'),
    end('plan'),
    mark('ui'),
    post,
    mark('go', 2),
    sort,
    mark('ui', 1),
    mark('go', 1),
    sort,
    turn,
    mark('ui'),
    mark('go'),
  ],
  [
    end('plan'),
    mark('go'),
    post,
    sort,
    mark('no-go', 1),
    sort,
    turn,
    mark('go'),
    sort,
    turn,
    mark('no-go'),
    sort,
    turn,
  ],
  [end('split'), post, mark('go'), sort, turn, post, sweep, turn, post, turn],
  // It was stopped, taken away or closed meanwhile, or told to wait for Ada: then silence approves nothing any more.
  [end('plan'), post, say('stop'), sort, wait(11), say('goOn'), turn, sweep, turn],
  [end('plan'), post, deed('take', 0), sort, wait(11), deed('give', 0), turn, sweep, turn],
  [end('plan'), post, deed('close', 0), sort, wait(11), deed('reopen', 0), turn, sweep, turn],
  [end('plan'), post, say('yes', 1), turn, wait(11), sweep, turn],
  // Nobody answers.
  [end('question'), post, wait(25 * 60), sweep, wait(15 * 24 * 60), sweep],
  // A split is left open; filed and led; rejected; superseded; approved, and the board refuses to file it.
  [end('split'), post, say('yes', 1), turn],
  [end('split'), post, say('yes'), turn, post, sweep, turn, post, turn],
  [end('split'), post, say('no'), turn],
  [end('split'), post, wait(11), sweep, turn],
  [end('split'), post, say('hint'), end('plan')],
  [end('split'), post, say('yes'), turn, ...doing('refuse')],
  // It waits for what blocks it, until that is done or somebody says so; and for another to rest.
  [deed('block', 0), turn, deed('close', 1), sort, sweep],
  [deed('block', 0), turn, say('goOn'), end('finished')],
  [deed('give', 1), sort, claim, claim, end('rests'), end('question'), sweep],
  // Closed while it waits, and opened again: it asks again, waits again, or goes on; finished or stopped, it says how to go on.
  [end('question'), deed('close', 0), sort, deed('reopen', 0), sort, end('question'), say('hint'), end('finished')],
  [end('plan'), post, deed('close', 0), sort, deed('reopen', 0), sort, turn, say('yes'), turn, end('finished')],
  [deed('block', 0), turn, deed('close', 0), sort, deed('reopen', 0), sort, turn, deed('close', 1), sort, sweep],
  [end('failed'), deed('close', 0), sort, deed('reopen', 0), sort, end('finished')],
  [end('finished'), deed('close', 0), sort, deed('reopen', 0), sort, say('hint')],
  [say('stop'), sort, deed('close', 0), sort, deed('reopen', 0), sort, say('goOn')],
  [end('question'), say('hint'), turn, deed('close', 0), deed('reopen', 0), sort, turn, turn],
  // Its checks are mended, asked about, and green after all; or somebody answers first.
  [end('finished'), ...doing('red'), end('finished'), ...doing('red', 'red', 'green')],
  [end('finished'), ...doing('red'), turn, end('finished'), ...doing('red'), say('hint'), turn, ...doing('green')],
  // It is only rated; given meanwhile; given and stopped; rated in vain.
  [rate, claim, turn, deed('give', 1), sort, end('finished')],
  [rate, claim, turn, deed('give', 1), sort, { ...say('stop'), ticket: 1 } as Act, sort, turn],
  [rate, claim, end('failed')],
];

/** How runs ended, what became of proposals, and some of what sessions were told. */
const seen = [
  ...['work: budgetExceeded', 'work: failed', 'work: finished', 'work: loopDetected', 'work: needsInput'],
  ...['work: stopped', 'work: waiting', 'scope: failed', 'scope: finished', 'scope: stopped'],
  ...['plan: approved', 'plan: approved by silence', 'plan: open', 'plan: rejected', 'plan: superseded'],
  ...['split: approved', 'split: approved by silence', 'split: open', 'split: rejected', 'split: superseded'],
  ...['began anyway', 'capped', 'edit', 'given', 'reminded', 'reopened', 'stranger', 'unanswered'],
];

const conversations = Number(process.env.CONVERSATIONS ?? 70);

test('whatever people say, whoever falls: a conversation comes to rest, and all that must hold holds', async () => {
  const since = performance.now();
  let acts = 0;
  let all = 0;
  const moves = new Set<string>();
  const ends = new Set<string>();
  await fc.assert(
    fc
      .asyncProperty(fc.array(act, { minLength: 5, maxLength: 40, size: 'max' }), async (conversation) => {
        acts += conversation.length;
        await play(stage, conversation);
        expect(await stage.violations()).toEqual([]);
        const made = await stage.moves();
        expect(made.wrong).toEqual([]);
        all += made.all.length;
        for (const { from, to } of made.all) moves.add(`${from} -> ${to}`);
        for (const each of await stage.ends()) ends.add(each);
      })
      .beforeEach(() => stage.clear()),
    {
      numRuns: chosen.length + conversations,
      examples: chosen.map((each): [Act[]] => [each]),
      interruptAfterTimeLimit: 240_000, // a counterexample that is not quite shrunk is better than none
    },
  );
  const seconds = Math.round((performance.now() - since) / 1000);

  console.log(`${conversations} conversations of ${acts} acts in ${seconds} s: ${all} moves of ${moves.size} kinds`);
  const drawn = sessionStates.flatMap((from) => Object.keys(sessionTransitions[from]).map((to) => `${from} -> ${to}`));
  expect([...moves].toSorted(), 'each move of the table is made, and no other').toEqual(drawn.toSorted());
  expect([...ends].toSorted()).toEqual(seen.toSorted());
}, 300_000);
