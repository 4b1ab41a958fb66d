import fc from 'fast-check';
import { describe, test } from 'vitest';
import { isBareAnswer, noteComments, noteLength, writeToStranger } from '../../src/core/acknowledgement.ts';
import {
  type Decision,
  decide,
  findTwoAnswers,
  type InQuestion,
  readWord,
  type Word,
} from '../../src/core/approval.ts';
import { writeDiffering, writeProposal, writeRefusal, writeWaits } from '../../src/core/approval-text.ts';
import { isAmong, nameThem } from '../../src/core/people.ts';
import { isPlanOf, type Proposal } from '../../src/core/proposal.ts';
import { hashOf } from '../../src/lib/ids.ts';

const approvers = { by: [], agent: 'shipmate' };
const shownAt = at(0);
const proposal: InQuestion = { code: '3fa2c1', shownAt, silentAt: null, isOurs: false };

/** So many milliseconds after the proposal was shown. */
function at(ms: number): string {
  return new Date(Date.UTC(2026, 2, 1, 12) + ms).toISOString().replace('Z', '000Z');
}

/** "ada 500: approve", "bob 20 old: use UTC" (`old`: a run has ended since; `late`: something else is asked by now; `read`; `stop`). */
function words(...said: string[]): Word[] {
  return said.map((text, index) => {
    const [, name = '', ms = '', flags = '', body = ''] =
      /^(\w+) (-?\d+)((?: old| late| read| stop)*): (.*)$/s.exec(text) ?? [];
    const author = { id: name, name: name.charAt(0).toUpperCase() + name.slice(1), isBot: false };
    const isNew = !flags.includes('old');
    const isAsked = !flags.includes('late');
    const isRead = flags.includes('read');
    const isStop = flags.includes('stop');
    return { id: `w${index}`, key: `k${index}`, author, body, at: at(Number(ms)), isNew, isAsked, isRead, isStop };
  });
}

function summary({ verdict, by, refused, differ, beyond }: Decision): string {
  const parts = [by ? `${verdict} by ${by.id}` : verdict];
  for (const { word, why } of refused) parts.push(`${word.author.id} ${why}`);
  if (differ) parts.push(`differ: ${differ.map(({ author }) => author.id).join(', ')}`);
  if (beyond) parts.push(`beyond: ${beyond.map(({ author }) => author.id).join(', ')}`);
  return parts.join('; ');
}

test.for<[string, string]>([
  ['approve', 'approve'],
  ['Approved.', 'approve'],
  ['  LGTM!! ', 'approve'],
  ['yes', 'approve'],
  ['go  ahead', 'approve'],
  ['"Approve"', 'approve'],
  ['approve 3fa2c1', 'approve 3fa2c1'],
  ['@shipmate, approve `3FA2C1`.', 'approve 3fa2c1'],
  ['Shipmate: go ahead', 'approve'],
  ['no', 'reject'],
  ['@Shipmate reject aaaaaa', 'reject aaaaaa'],
  ['rejected', 'reject'],
  ['1', 'approve'],
  ['@shipmate 2.', 'reject'],
  ['Option 1', 'approve'],
  ['1 3fa2c1', 'approve 3fa2c1'],
  ['3', 'comment'],
  ['12', 'comment'],
  ['1, but with UTC', 'comment'],
  ['continue', 'continue'],
  ['yes, but use UTC', 'comment'],
  ['approve of what?', 'comment'],
  ['@bob approve', 'comment'],
  ['shipmates approve', 'comment'],
  ['no way', 'comment'],
  ['approve 3fa2c', 'comment'],
  ['constructor', 'comment'],
  ['', 'comment'],
  [`yes${' '.repeat(100_000)}`, 'comment'],
])('%j says %s', ([body, expected], { expect }) => {
  const { says, code } = readWord(body, 'shipmate');
  expect(code === null ? says : `${says} ${code}`).toBe(expected);
});

describe('what the words since a proposal come to', () => {
  test.for<[string, string[], string]>([
    ['nobody spoke', [], 'nothing'],
    ['a yes', ['ada 10: approve'], 'approved by ada'],
    ['a no', ['ada 10: no'], 'rejected by ada'],
    ['a comment', ['ada 10: Use UTC'], 'revise'],
    ['a yes after a comment, which is heard with it', ['ada 10: Use UTC', 'bob 20: lgtm'], 'approved by bob'],
    ['a comment after a yes does not take it back', ['ada 10: approve', 'ada 20: Mind the docs'], 'approved by ada'],
    ['a comment after a no', ['ada 10: reject', 'ada 20: Without the cache'], 'revise'],
    ['a comment before a no', ['ada 10: Why a cache?', 'ada 20: reject'], 'rejected by ada'],
    ['"continue" decides nothing', ['ada 10: continue'], 'nothing'],
    ['nor does a stop', ['ada 10 stop: stop', 'ada 20: yes', 'ada 30 stop: stop'], 'approved by ada'],
    ['"continue" after a no wants another', ['ada 10: no', 'ada 20: continue'], 'revise'],
    ['"continue" after a comment that nobody could take in', ['ada 10 old: Use UTC', 'ada 20: continue'], 'revise'],
    ['a comment that a run has ended on asks for no other', ['ada 10 old: Use UTC'], 'nothing'],
    ['the newest decision holds', ['ada 10: approve', 'bob 5000: reject'], 'rejected by bob'],
    ['also when it takes a no back', ['ada 10: reject', 'bob 5000: approve'], 'approved by bob'],
    ['of the same moment: the no', ['ada 10: approve', 'bob 10: reject'], 'rejected by bob; differ: ada, bob'],
    ['within a second: the later', ['bob 10: no', 'ada 900: yes'], 'approved by ada; differ: bob, ada'],
    ['one who changes his mind at once differs from nobody', ['ada 10: yes', 'ada 20: no'], 'rejected by ada'],
    ['a yes before it was shown', ['ada -10: approve'], 'nothing; ada notShown'],
    ['a yes that names it counts at any time', ['ada -10: approve 3fa2c1'], 'approved by ada'],
    ['a yes to an older one', ['ada 10: approve aaaaaa'], 'nothing; ada otherCode'],
    ['a yes to one that never was', ['ada 10: approve bbbbbb'], 'nothing; ada otherCode'],
    ['a no to an older one', ['ada 10: reject aaaaaa'], 'nothing; ada otherCode'],
    ['a no before it was shown', ['ada -10: no'], 'rejected by ada'],
    ['an answer to a later question', ['ada 10 late: yes'], 'revise'],
    ['though not where it is named', ['ada 10 late: approve 3fa2c1'], 'approved by ada'],
  ])('%s', ([, said, expected], { expect }) => {
    expect(summary(decide(proposal, words(...said), approvers))).toBe(expected);
  });

  test('who may not approve is refused, whatever he names; his no and his comments count', ({ expect }) => {
    const only = { by: ['ada'], agent: 'shipmate' };
    const judge = (...said: string[]) => summary(decide(proposal, words(...said), only));
    expect(judge('bob 10: approve')).toBe('nothing; bob notAllowed');
    expect(judge('bob 10: approve 3fa2c1')).toBe('nothing; bob notAllowed');
    expect(judge('bob 10: yes', 'ada 20: yes')).toBe('approved by ada; bob notAllowed');
    expect(judge('ada 10: no', 'bob 20: approve')).toBe('rejected by ada; bob notAllowed');
    expect(judge('ada 10: approve', 'bob 20: reject')).toBe('rejected by bob; differ: ada, bob');
    expect(judge('bob 10: Use UTC')).toBe('revise');
  });

  test('what who may not approve says after the yes changes nothing of it, and is named', ({ expect }) => {
    const only = { by: ['ada'], agent: 'shipmate' };
    const judge = (...said: string[]) => summary(decide(proposal, words(...said), only));
    expect(judge('ada 10: yes', 'bob 20: In web', 'cy 30 old: In api')).toBe('approved by ada; beyond: bob, cy');
    expect(judge('bob 5: In web', 'ada 10: yes', 'ada 20: In UTC', 'bob 30: continue')).toBe('approved by ada');
    expect(judge('ada 10: yes', 'bob 20: In web', 'ada 30: yes')).toBe('approved by ada');
    expect(judge('ada 10: yes', 'bob 20: In web', 'ada 2000: no')).toBe('rejected by ada');
    expect(summary(decide(proposal, words('ada 10: yes', 'bob 20: In web'), approvers))).toBe('approved by ada');
  });

  test.for<[string, string[], string]>([
    ['a yes', ['ada 10: approve'], 'approved by ada'],
    ['a comment before the yes', ['bob 10: In web', 'ada 20: approve'], 'revise by ada'],
    ['a comment after the yes', ['ada 10: approve 3fa2c1', 'ada 20 old: In web'], 'revise by ada'],
    ['a comment that was read', ['bob 10 read old: In web', 'ada 20: approve'], 'approved by ada'],
    ['a comment that is being read', ['bob 10 read: In web', 'ada 20: approve'], 'revise by ada'],
    ['a no after both', ['bob 10: In web', 'ada 20: yes', 'ada 2000: no'], 'rejected by ada'],
  ])('nobody reads what is said beside a yes to a split: %s', ([, said, expected], { expect }) => {
    expect(summary(decide({ ...proposal, isOurs: true }, words(...said), approvers))).toBe(expected);
  });

  test('before it is shown nobody can have approved it, but for who names it', ({ expect }) => {
    const unseen = { ...proposal, shownAt: null };
    expect(summary(decide(unseen, words('ada 10: approve'), approvers))).toBe('nothing; ada notShown');
    expect(summary(decide(unseen, words('ada 10: approve 3fa2c1'), approvers))).toBe('approved by ada');
  });

  test.for<[string, string[], string]>([
    ['nobody spoke', [], 'approved'],
    ['a comment in time', ['ada 59000: Hm'], 'revise'],
    ['a comment that came late but was said in time', ['ada 60000: Hm'], 'revise'],
    ['a comment after it', ['ada 60001: Hm'], 'approved'],
    ['a no in time', ['ada 10: no'], 'rejected by ada'],
    ['a no after it', ['ada 70000: no'], 'rejected by ada'],
    ['a yes in time is that person’s', ['ada 10: yes'], 'approved by ada'],
    ['an approval that does not count was answered', ['ada 10: approve aaaaaa'], 'nothing; ada otherCode'],
    ['so was "continue"', ['ada 10 old: continue'], 'nothing'],
    ['a stop in time', ['ada 10 read stop: stop'], 'nothing'],
    ['a stop after it', ['ada 60001 read stop: stop'], 'approved'],
    ['a stop in time, and a yes', ['ada 10 read stop: stop', 'ada 70000: yes'], 'approved by ada'],
  ])('silence of a minute: %s', ([, said, expected], { expect }) => {
    expect(summary(decide({ ...proposal, silentAt: at(60_000) }, words(...said), approvers))).toBe(expected);
  });

  test('the order in which words arrive, and how often, changes nothing', ({ expect }) => {
    const word = fc.record({
      who: fc.constantFrom('ada', 'bob', 'eve'),
      ms: fc.constantFrom(-500, 0, 10, 20, 500, 1500, 60_000, 90_000),
      body: fc.constantFrom(
        'approve',
        'yes',
        'no',
        'reject',
        'approve 3fa2c1',
        'approve aaaaaa',
        'continue',
        'Use UTC',
      ),
      flags: fc.constantFrom('', ' old', ' late'),
    });
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 7 }),
        fc.constantFrom(null, at(60_000)),
        fc.infiniteStream(fc.nat()),
        (said, silentAt, keys) => {
          const all = words(...said.map(({ who, ms, flags, body }) => `${who} ${ms}${flags}: ${body}`));
          const shuffled = all
            .map((each) => ({ each, key: keys.next().value ?? 0 }))
            .sort((a, b) => a.key - b.key)
            .map(({ each }) => each);
          const only = { by: ['ada', 'bob'], agent: 'shipmate' };
          const decision = decide({ ...proposal, silentAt }, all, only);
          expect(decide({ ...proposal, silentAt }, shuffled, only)).toEqual(decision);
          // Nobody's yes but theirs ever counts, and no yes to anything else.
          if (decision.verdict === 'approved' && decision.by)
            expect(['ada', 'bob'], summary(decision)).toContain(decision.by.id);
          const yes = all.filter(({ body }) => /^(yes|approve( 3fa2c1)?)$/.test(body));
          if (yes.length === 0 && silentAt === null) expect(decision.verdict).not.toBe('approved');
          seen.add(decision.verdict);
        },
      ),
      { numRuns: 500 },
    );
    expect([...seen].sort()).toEqual(['approved', 'nothing', 'rejected', 'revise']);
  });
});

describe('two answers to one question', () => {
  test.for<[string, string[], string | null]>([
    ['two people, at once', ['ada 0: UTC', 'bob 600: Local time'], 'ada, bob'],
    ['in whatever order they come', ['bob 600: Local time', 'ada 0: UTC'], 'ada, bob'],
    ['the same answer', ['ada 0: UTC', 'bob 600: utc '], null],
    ['one after the other', ['ada 0: UTC', 'bob 1001: Local time'], null],
    ['one person', ['ada 0: UTC', 'ada 600: Local time'], null],
  ])('%s', ([, said, expected], { expect }) => {
    expect(
      findTwoAnswers(words(...said))
        ?.map(({ author }) => author.id)
        .join(', ') ?? null,
    ).toBe(expected);
  });
});

describe('what people read', () => {
  const plan: Proposal = { kind: 'plan', steps: ['Read the parser', 'Mend it, @bob\nwith a test'] };

  test('a proposal says what it is, how to decide on it, who may, and what silence does', ({ expect }) => {
    const text = writeProposal(
      { code: '3fa2c1', content: plan, message: 'I would do this:', silenceMinutes: 30 },
      { by: ['Ada', 'Bob'] },
    );
    expect(text).toContain('**Plan 3fa2c1**\n\n1. Read the parser\n2. Mend it, `@bob`\n   with a test');
    expect(text).toContain('"approve 3fa2c1" is for exactly this plan. Ada or Bob may approve it.');
    expect(text).toMatch(/If nobody says anything within 30 minutes, I go ahead\.$/);
    const split: Proposal = {
      kind: 'split',
      parts: [
        { title: 'API', description: 'The endpoint', repository: 'api', after: [] },
        { title: 'Page', description: '', repository: null, after: [0] },
      ],
    };
    const other = writeProposal({ code: 'bbbbbb', content: split, message: '', silenceMinutes: null }, { by: [] });
    expect(other).toContain('1. **API** (in api)\n   The endpoint\n2. **Page** (after 1)');
    expect(other).toMatch(/I wait, however long it takes, and change nothing\.$/);
  });

  test('who is refused hears why and what would count', ({ expect }) => {
    const named = { code: '3fa2c1', content: plan };
    const [word] = words('bob 10: approve');
    if (!word) throw new Error('no word');
    const told = (why: 'notAllowed' | 'notShown' | 'otherCode', by: string[] = []) =>
      writeRefusal({ word, why }, named, { by }, true);
    expect(told('notAllowed', ['Ada'])).toBe(
      'Bob, only Ada may approve here, so the plan 3fa2c1 still waits for that.',
    );
    expect(writeRefusal({ word, why: 'notAllowed' }, named, { by: ['Ada'] }, false)).toBe(
      'Bob, only Ada may approve here.',
    );
    expect(told('notShown')).toMatch(/^Bob, what you approved has changed since: .*"approve 3fa2c1"/);
    expect(told('otherCode')).toMatch(/^Bob, that is not what is proposed now: .*"approve 3fa2c1"/);
    expect(writeWaits(named, { by: [] })).toMatch(/^The plan 3fa2c1 still waits: I go on when someone says/);
    const [yes, no] = words('ada 0: yes', 'bob 1: no');
    if (!yes || !no) throw new Error('no words');
    expect(writeDiffering([yes, no], false)).toContain('What Bob said holds, so it is not approved.');
  });

  test('a bare answer is told from a wish, and a long comment says how much of it is read', ({ expect }) => {
    for (const body of ['yes', 'No.', '2', 'option 2', 'ok', '@shipmate UTC', 'lgtm'])
      expect([body, isBareAnswer(body, ['UTC', 'Local time'])]).toEqual([body, true]);
    for (const body of ['Use UTC', 'Also mend the docs', '2026-03-01', ''])
      expect([body, isBareAnswer(body, ['UTC', 'Local time'])]).toEqual([body, false]);
    expect(noteLength('x'.repeat(32_000))).toBe('');
    expect(noteLength('x'.repeat(100_000))).toContain('100,000 characters; I read the first and the last 16,000.');
  });

  test('which comments from before the work are not read whole is said; those that are prompts are', ({ expect }) => {
    const by = (name: string, characters: number, id = name) => ({
      id,
      author: { id: name, name, isBot: false },
      body: 'x'.repeat(characters),
      at: '2026-01-01T00:00:00Z',
    });
    const none = () => false;
    expect([noteComments([], none), noteComments([by('Ada', 4_000), by('Bob', 3_000)], none)]).toEqual(['', '']);
    const long = [by('Ada', 12_000), by('@bob', 5_000)];
    const inPart = 'Of these comments I read only the first and the last 2,000 characters:';
    expect(noteComments(long, none)).toBe(
      `${inPart} Ada's of 12,000 characters and \`@bob\`'s of 5,000 characters. Tell me if what matters stands there.`,
    );
    expect(noteComments(long, ({ id }) => id === 'Ada')).not.toContain('Ada');
    const many = Array.from({ length: 10 }, (_, at) => by('Ada', 3_000, String(at)));
    expect(noteComments(many, none)).toBe(
      'The earliest 5 comments here I did not read. Tell me if what matters stands there.',
    );
    expect(noteComments(many, ({ id }) => Number(id) < 4)).toMatch(/^The earliest comment here I did not/);
    expect(noteComments(many, ({ id }) => Number(id) < 5)).toBe('');
    const largest = Array.from({ length: 3 }, () => by('E'.repeat(500), 1_000_000));
    expect(noteComments([...many, ...largest], none).length).toBeLessThan(700);
  });

  test('people are listed by name or id, apps never', ({ expect }) => {
    const ada = { id: 'u1', name: 'Ada', isBot: false };
    expect([isAmong(ada, []), isAmong(ada, ['ada']), isAmong(ada, ['u1']), isAmong(ada, ['bob'])]).toEqual([
      ...[true, true, true, false],
    ]);
    expect(isAmong({ ...ada, isBot: true }, [])).toBe(false);
    expect([nameThem(['Ada'], 'or'), nameThem(['Ada', '@bob', 'Eve'], 'and')]).toEqual(['Ada', 'Ada, `@bob` and Eve']);
    expect(writeToStranger(ada, ['Bob'], true)).toMatch(
      /^Ada, I did not stop: on this ticket I take orders from Bob\./,
    );
  });
});

test('a yes to a plan is a yes to these steps, word for word', ({ expect }) => {
  const approved: Proposal = { kind: 'plan', steps: ['Read', 'Mend'] };
  const others = [['Mend', 'Read'], ['Read'], ['Read', 'Mend', 'Test'], ['Read', 'Mend it'], []];
  expect([['Read', 'Mend'], ...others].map((steps) => isPlanOf(approved, steps))).toEqual([
    true,
    ...others.map(() => false),
  ]);
  expect(isPlanOf({ kind: 'split', parts: [] }, [])).toBe(false);
});

test('equal content has one hash, however its keys are ordered', ({ expect }) => {
  const one = { kind: 'plan', steps: ['a', 'b'] };
  expect(hashOf({ steps: ['a', 'b'], kind: 'plan' })).toBe(hashOf(one));
  expect(hashOf({ ...one, steps: ['b', 'a'] })).not.toBe(hashOf(one));
});
