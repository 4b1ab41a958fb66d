import { describe, expect, test } from 'vitest';
import {
  escalationOf,
  inEscalation,
  ofQuestion,
  waysOn,
  writeEscalation,
  writeQuestion,
} from '../../src/core/escalation.ts';
import type { Escalation } from '../../src/core/outcome.ts';

const whole: Escalation = {
  asked: 'Totals are wrong',
  tried: ['Rounded once', 'Rounded never'],
  blocks: 'Two tests contradict each other.',
  standing: 'Where things stand: No file was changed yet.',
  options: ['Drop the older one', 'Stop'],
  evidence: ['`npm test`: exit 1 in 2.0 s'],
  log: 'expected 3\n```\nbut got 4\n',
  snapshot: { branch: 'shipmate/ENG-1-snapshot' },
};
const least = { blocks: 'No.' };

describe('writeEscalation', () => {
  test('all parts, what blocks first', () => {
    expect(writeEscalation(whole)).toBe(`Two tests contradict each other.

**Asked:** Totals are wrong

**Tried:**
- Rounded once
- Rounded never

Where things stand: No file was changed yet.

**Evidence:**
- \`npm test\`: exit 1 in 2.0 s

\`\`\`\`
expected 3
\`\`\`
but got 4
\`\`\`\`

**Snapshot:** the work so far, neither finished nor proved, goes to the branch \`shipmate/ENG-1-snapshot\`.

**What now?**
- Drop the older one
- Stop`);
  });

  test.each<[string, Partial<Escalation>, string]>([
    ['nothing else to say', {}, 'No.'],
    ['one thing to do is a sentence', { options: ['Say "continue".'] }, 'No.\n\nSay "continue".'],
    [
      'work that is not pushed',
      { snapshot: { ticket: 'ENG-1', because: 'something in it may not be published' } },
      'No.\n\n**Snapshot:** the work so far is kept and not pushed (something in it may not be published); `shipmate pull ENG-1` brings it to you.',
    ],
    ['an empty log', { log: ' \n' }, 'No.'],
  ])('%s', (_name, given, text) => {
    expect(inEscalation('failed', { ...least, ...given }).message).toBe(text);
  });

  test('a long log keeps its end, and words that are not ours notify nobody', () => {
    const log = `${'x\n'.repeat(100_000)}the last line`;
    const text = inEscalation('failed', { ...least, blocks: '@ada said # no', tried: ['# Posing\n@ada'], log }).message;
    expect(text.length).toBeLessThan(4_000);
    expect(text).toContain('the last line\n```');
    expect(text).not.toMatch(/(^|[^`])@ada/);
    expect(text).not.toMatch(/^# /m);
  });
});

describe('a question with unfinished work', () => {
  const asked = { stopReason: 'needsInput' as const, message: 'Which zone?\n\nUTC is simpler.' };

  test('stays what it is; below it, in two lines, where to look', () => {
    const escalation = { ...whole, blocks: asked.message };
    expect(writeQuestion(escalation, 'ENG-1')).toBe(`Which zone?

UTC is simpler.

**Snapshot:** the work so far, neither finished nor proved, goes to the branch \`shipmate/ENG-1-snapshot\`.
**Last run:** \`npm test\`: exit 1 in 2.0 s; \`shipmate pull ENG-1\` has the log.`);
    expect(writeQuestion({ ...escalation, evidence: [] }, 'ENG-1').split('\n')).toHaveLength(5);
  });

  test('has the same structure; a plan, a rating, and what is no question have not', () => {
    expect(ofQuestion({ ...asked, options: ['UTC'] })).toMatchObject({ blocks: asked.message, options: ['UTC'] });
    expect(ofQuestion(asked)?.options).toEqual(['Answer here']);
    expect(ofQuestion({ ...asked, questions: ['Which?'] })).toBeNull();
    expect(ofQuestion({ ...asked, proposal: { kind: 'plan', steps: [] } })).toBeNull();
    expect(ofQuestion({ ...asked, stopReason: 'waiting' })).toBeNull();
  });
});

test('there is always a way on', () => {
  for (const stopReason of ['failed', 'budgetExceeded', 'loopDetected', 'needsInput'] as const)
    expect(waysOn(stopReason).join()).toContain('Say ');
});

describe('escalationOf', () => {
  test.each([
    ['failed', true],
    ['budgetExceeded', true],
    ['loopDetected', true],
    ['needsInput', false],
    ['waiting', false],
    ['stopped', false],
    ['finished', false],
  ] as const)('%s: %s', (stopReason, isOne) => {
    const escalation = escalationOf({ stopReason, message: 'Why' });
    expect(escalation !== null).toBe(isOne);
    if (escalation) expect(writeEscalation(escalation)).toBe('Why');
  });

  test('what was given is kept', () => {
    const outcome = inEscalation('needsInput', { ...least, tried: ['x'] });
    expect(escalationOf(outcome)).toMatchObject({ blocks: 'No.', tried: ['x'], log: null });
  });
});
