import { describe, test } from 'vitest';
import { followUp, nextBranch } from '../../src/core/follow-up.ts';

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
