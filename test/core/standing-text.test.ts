import { expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { describeStanding, type Standing } from '../../src/core/standing-text.ts';

const hint = (identifier: string) => ({ identifier }) as Standing['waits'][number]['ticket'];
const ended = (outcome: Outcome): Standing['run'] => ({ isBegun: true, isHeld: false, outcome });
const active = (isBegun: boolean, isHeld: boolean): Partial<Standing> => ({
  state: 'active',
  run: { isBegun, isHeld, outcome: null },
});

test.each<[string, Partial<Standing>, string, string]>([
  ['nothing was asked', { state: 'pending' }, 'Not begun', 'Nobody has asked for work yet.'],
  ['at work', active(true, true), 'At work', 'The agent is working on it.'],
  ['queued', { ...active(false, false), place: 3 }, 'At work', 'It waits for a free worker: number 3 in the queue.'],
  ['about to be taken', active(false, false), 'At work', 'It is about to begin.'],
  [
    'a service is away',
    active(true, false),
    'At work',
    'It waits for a service that it needs, or for a free worker, and is tried again.',
  ],
  [
    'it asks',
    { state: 'awaitingInput', run: ended({ stopReason: 'needsInput', message: 'I looked. Which zone? Say.' }) },
    'Waiting for an answer',
    'It asks: Which zone?',
  ],
  [
    'it asks for a yes',
    {
      state: 'awaitingInput',
      code: 'ab12cd',
      run: ended({ stopReason: 'needsInput', message: 'm', proposal: { kind: 'plan', steps: ['a'] } }),
    },
    'Waiting for an answer',
    'It asks: whether the plan ab12cd may be carried out',
  ],
  [
    'it waits for others',
    {
      state: 'awaitingInput',
      waits: [
        { ticket: hint('ENG-1'), until: 'over' },
        { ticket: hint('ENG-2'), until: 'ready' },
      ],
      run: ended({ stopReason: 'waiting', message: 'm' }),
    },
    'Waiting',
    'It waits for ENG-1 to be over, ENG-2 to have a pull request.',
  ],
  ['done', { state: 'complete' }, 'Finished', 'The work is done.'],
  ['failed', { state: 'error' }, 'Failed', 'The last run failed; the last activity says why.'],
  ['stopped', { state: 'stopped' }, 'Stopped', 'Nothing is done until people say so.'],
])('%s', (_what, standing, word, now) => {
  const text = describeStanding({ state: 'active', waits: [], run: null, place: null, code: null, ...standing });
  expect([text.word, text.now]).toEqual([word, now]);
  expect(text.next).toMatch(/\.$/);
});

test('the answers that were offered are told, a yes and a no to a proposal among them', () => {
  const asked = (outcome: Partial<Outcome>) =>
    describeStanding({
      ...{ state: 'awaitingInput', waits: [], place: null, code: 'ab12cd' },
      run: ended({ stopReason: 'needsInput', message: 'Which?', ...outcome }),
    }).options;
  expect(asked({ options: ['UTC', 'Local\ntime'] })).toBe('UTC · Local time');
  expect(asked({ proposal: { kind: 'plan', steps: ['a'] } })).toBe('approve · reject');
  expect(asked({})).toBeNull();
});
