import { describe, test } from 'vitest';
import { type Followed, lookAgainSeconds, lookAtProgress, type RequestPhase } from '../../src/core/following.ts';
import type { CheckReport, CheckRun, RequestProgress } from '../../src/core/request-progress.ts';

const policy = { rounds: 2, settleSeconds: 60, patienceMinutes: 30, environment: 'staging' };
const start = 1_000_000;
const minute = 60_000;

const run = (name: string, state: CheckRun['state']): CheckRun => ({ name, state, summary: '', url: null, ref: name });
const report = (states: Record<string, CheckRun['state']>, required: string[] | null = null): CheckReport => ({
  ...{ commit: 'a', required },
  runs: Object.entries(states).map(([name, state]) => run(name, state)),
});
const progress = (
  change: Partial<RequestProgress> = {},
  state: 'open' | 'merged' | 'closed' = 'open',
): RequestProgress => ({
  request: {
    repository: 'app',
    number: 7,
    url: 'https://x/7',
    title: 't',
    body: '',
    base: 'main',
    head: 'b',
    state,
    draft: false,
  },
  ...{ head: 'a', mergeCommit: state === 'merged' ? 'm' : null, mergeable: 'clean', checks: report({}) },
  ...{ baseChecks: null, mergeChecks: null, deployments: [], remarks: [], closedBy: null, reverted: null },
  ...change,
});
const at = (phase: RequestPhase, change: Partial<Followed> = {}): Followed => ({
  ...{ phase, head: 'a', headAt: start, rounds: 0, told: [] },
  ...change,
});
const look = (before: Followed, now: RequestProgress, { afterMs = 0, isFree = true, isAtWork = false } = {}) =>
  lookAtProgress(before, now, policy, { isFree, isAtWork, now: start + afterMs });
const words = ({ next, happening }: ReturnType<typeof look>) => `${next.phase}: ${happening?.type ?? 'nothing'}`;

describe('a look at an open pull request', () => {
  test.for<[string, Followed, RequestProgress, string, number?]>([
    ['no check yet', at('opening'), progress(), 'checking: nothing'],
    ['none for long', at('checking'), progress(), 'green: green', 61_000],
    ['one runs', at('checking'), progress({ checks: report({ test: 'pending' }) }), 'checking: nothing', 5 * minute],
    [
      'one fails, another runs',
      at('checking'),
      progress({ checks: report({ a: 'failed', b: 'pending' }) }),
      'checking: nothing',
    ],
    ['all passed', at('checking'), progress({ checks: report({ a: 'passed', b: 'skipped' }) }), 'green: green'],
    ['told once', at('green'), progress({ checks: report({ a: 'passed' }) }), 'green: nothing'],
    [
      'required has not begun',
      at('checking'),
      progress({ checks: report({ a: 'passed' }, ['b']) }),
      'checking: nothing',
      61_000,
    ],
    [
      'only what is required counts',
      at('checking'),
      progress({ checks: report({ a: 'failed', b: 'passed' }, ['b']) }),
      'green: green',
    ],
    ['red', at('checking'), progress({ checks: report({ a: 'failed' }) }), 'mending: red'],
    [
      'red, mended, a new commit',
      at('mending', { rounds: 1, head: 'before' }),
      progress({ checks: report({ a: 'failed' }) }),
      'mending: red',
    ],
    [
      'red after the last round',
      at('mending', { rounds: 2, head: 'before' }),
      progress({ checks: report({ a: 'failed' }) }),
      'stuck: stillRed',
    ],
    [
      'the agent left it as it was',
      at('mending', { rounds: 1 }),
      progress({ checks: report({ a: 'failed' }) }),
      'stuck: stillRed',
    ],
    [
      'red on the base, too',
      at('checking'),
      progress({ checks: report({ a: 'failed' }), baseChecks: report({ a: 'failed' }) }),
      'stuck: baseRed',
    ],
    [
      'one of its own beside that',
      at('checking'),
      progress({ checks: report({ a: 'failed', b: 'failed' }), baseChecks: report({ a: 'failed' }) }),
      'mending: red',
    ],
    ['run again by people', at('stuck'), progress({ checks: report({ a: 'passed' }) }), 'green: green'],
    ['still red, and told', at('stuck'), progress({ checks: report({ a: 'failed' }) }), 'stuck: nothing'],
    ['green, and run again', at('green'), progress({ checks: report({ a: 'pending' }) }), 'checking: nothing'],
    [
      'a person pushed',
      at('green', { head: 'before' }),
      progress({ checks: report({ a: 'pending' }) }),
      'checking: nothing',
    ],
    ['too long', at('checking'), progress({ checks: report({ a: 'pending' }) }), 'checking: slow', 31 * minute],
    [
      'too long, and told',
      at('checking', { told: ['slow'] }),
      progress({ checks: report({ a: 'pending' }) }),
      'checking: nothing',
      31 * minute,
    ],
    ['conflicts', at('green'), progress({ checks: report({ a: 'passed' }), mergeable: 'conflict' }), 'green: conflict'],
    [
      'conflicts, and told',
      at('green', { told: ['conflict'] }),
      progress({ checks: report({ a: 'passed' }), mergeable: 'conflict' }),
      'green: nothing',
    ],
    [
      'must be up to date',
      at('green'),
      progress({ checks: report({ a: 'passed' }), mergeable: 'behind' }),
      'mending: behind',
    ],
    [
      'too often',
      at('green', { rounds: 2 }),
      progress({ checks: report({ a: 'passed' }), mergeable: 'behind' }),
      'green: stale',
    ],
    ['open again', at('closed'), progress({ checks: report({ a: 'passed' }) }), 'checking: reopened'],
    ['closed', at('green'), progress({}, 'closed'), 'closed: closed'],
    ['closed, and told', at('closed'), progress({}, 'closed'), 'closed: nothing'],
  ])('%s', ([, before, now, expected, afterMs = 0], { expect }) => {
    expect(words(look(before, now, { afterMs }))).toBe(expected);
  });

  test('while somebody is at work its checks wait, and its end does not', ({ expect }) => {
    const red = progress({ checks: report({ a: 'failed' }) });
    expect(look(at('checking'), red, { isFree: false })).toEqual({ next: at('checking'), happening: null });
    expect(words(look(at('checking'), progress({}, 'merged'), { isFree: false }))).toBe('landing: merged');
    const landed = progress({ mergeChecks: report({ a: 'passed' }) }, 'merged');
    expect(words(look(at('landing'), landed, { isFree: false, isAtWork: true })), 'more may come').toBe(
      'landing: nothing',
    );
    expect(words(look(at('landing'), landed, { isFree: false }))).toBe('landed: landed');
  });
});

describe('after the merge', () => {
  const merged = (states: Record<string, CheckRun['state']> | null, change: Partial<RequestProgress> = {}) =>
    progress({ mergeChecks: states && report(states, ['never on the base']), ...change }, 'merged');
  const deploying = {
    deployments: [{ environment: 'staging', isPreview: false, state: 'pending' as const, url: null }],
  };
  test.for<[string, Followed, RequestProgress, string, number?]>([
    ['it is told', at('green'), merged(null), 'landing: merged'],
    ['checks run', at('landing'), merged({ a: 'pending' }), 'landing: nothing'],
    ['there are none', at('landing'), merged(null), 'landed: landed', 61_000],
    ['all passed', at('landing'), merged({ a: 'passed' }), 'landed: landed'],
    ['all passed, it is being deployed', at('landing'), merged({ a: 'passed' }, deploying), 'landing: nothing'],
    ['for ever', at('landing'), merged({ a: 'passed' }, deploying), 'landed: landed', 31 * minute],
    ['the base is red', at('landing'), merged({ a: 'failed' }), 'landing: mainRed'],
    ['the base is red still', at('landing', { told: ['mainRed'] }), merged({ a: 'failed' }), 'landing: nothing'],
    ['the base is well after all', at('landing', { told: ['mainRed'] }), merged({ a: 'passed' }), 'landed: landed'],
    [
      'it is taken back for that',
      at('landing', { told: ['mainRed'] }),
      merged({ a: 'failed' }, { reverted: { by: null, url: 'https://x/9' } }),
      'over: reverted',
    ],
    [
      'the base was red before',
      at('landing'),
      merged({ a: 'failed' }, { baseChecks: report({ a: 'failed' }) }),
      'landed: landed',
    ],
    [
      'staging has it',
      at('landing'),
      merged({ a: 'pending' }, { deployments: [{ ...deploying.deployments[0], state: 'ready' } as never] }),
      'landing: deployed',
    ],
    ['taken back', at('landed'), merged(null, { reverted: { by: null, url: 'https://x/9' } }), 'over: reverted'],
    ['for days', at('landed'), merged(null), 'over: nothing', 4 * 86_400_000],
    ['over', at('over'), merged({ a: 'failed' }), 'over: nothing'],
  ])('%s', ([, before, now, expected, afterMs = 0], { expect }) => {
    expect(words(look(before, now, { afterMs }))).toBe(expected);
  });
});

test('machines are waited for with less patience than people; an old one is asked for less often', ({ expect }) => {
  const seconds = (phase: RequestPhase, poll: number | null, age = 0) => lookAgainSeconds(at(phase), poll, start + age);
  expect([seconds('checking', null), seconds('checking', null, 3 * minute)]).toEqual([5, 30]);
  expect([seconds('green', null), seconds('over', null)]).toEqual([300, null]);
  const weeks = 14 * 86_400_000;
  expect([seconds('green', null, weeks), seconds('green', 15, weeks), seconds('closed', 15, weeks)]).toEqual([
    1800, 600, 21_600,
  ]);
  expect([seconds('checking', 15), seconds('green', 15), seconds('green', 15, 90_000_000)]).toEqual([15, 15, 120]);
});
