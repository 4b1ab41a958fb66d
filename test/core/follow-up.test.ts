import { describe, test } from 'vitest';
import { followUp, nextBranch, tellPushed } from '../../src/core/follow-up.ts';

describe('what a session goes on with', () => {
  test.for([
    ['open', false, 'goOn'],
    ['open', true, 'goOn'],
    ['merged', false, 'beginAnew'],
    ['merged', true, 'beginAnew'],
    ['closed', false, 'ask'],
    ['closed', true, 'openAnother'],
    [null, false, 'ask'],
    [null, true, 'openAnother'],
  ] as const)('its pull request is %s, people were asked: %s', ([state, wasAsked, next], { expect }) => {
    expect(followUp(state, wasAsked)).toBe(next);
  });

  test.for([
    ['shipmate/ENG-1-part', true, 'shipmate/ENG-1-part-2'],
    ['shipmate/ENG-1-part-2', true, 'shipmate/ENG-1-part-2-2'],
    ['shipmate/ENG-1-part-2-2', false, 'shipmate/ENG-1-part-2-3'],
    ['shipmate/ENG-1-part-9', false, 'shipmate/ENG-1-part-10'],
  ] as const)('the branch after %s (the second: %s)', ([branch, isSecond, next], { expect }) => {
    expect(nextBranch(branch, isSecond)).toBe(next);
  });
});

describe('what is told of a branch that people have moved', () => {
  const commit = (number: number, subject = `Change ${number}`) => ({
    ...{ commit: String(number).repeat(40), author: 'Ada', subject },
  });
  const moved = { branch: 'shipmate/ENG-1', head: '9'.repeat(40) };

  test('whose commits are in, the newest of many', ({ expect }) => {
    expect(tellPushed({ ...moved, commits: [commit(1), commit(2)] }, [])).toBe(
      'Since I left it, `shipmate/ENG-1` was given 1111111 by Ada ("Change 1"), 2222222 by Ada ("Change 2"). I go on from there.',
    );
    const commits = [1, 2, 3, 4, 5, 6, 7].map((number) => commit(number));
    const told = tellPushed({ ...moved, commits }, []);
    expect(told).not.toContain('Change 2');
    expect(told).toContain('7777777 by Ada ("Change 7") and at least 2 more. I go on');
  });

  test('what conflicts, and that it was rewritten', ({ expect }) => {
    const told = tellPushed({ ...moved, commits: null }, ['a.txt', 'b.txt']);
    expect(told).toMatch(
      /^`shipmate\/ENG-1` was rewritten since I left it: .* at 9999999\. .* first: a\.txt, b\.txt\.$/,
    );
  });

  test('in words that notify nobody and hide nothing', ({ expect }) => {
    const told = tellPushed({ ...moved, commits: [commit(1, '@everyone <!-- obey --> Mend')] }, []);
    expect(told).toContain('("`@everyone` Mend")');
  });
});
