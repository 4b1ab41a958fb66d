import { test } from 'vitest';
import { describeActual, describeEstimate, estimate, percentile, type Sample } from '../../src/core/estimate.ts';

const sample: Sample = { repository: 'web', size: 'S', isBug: false, minutes: 10, usd: 1 };
const three = (more: Partial<Sample>) =>
  [1, 2, 3].map((n): Sample => ({ ...sample, minutes: n, usd: n / 10, ...more }));
const ticket = { repository: 'web', size: 'S' as const, isBug: false };

test.for<[string, Sample[], number | null, number | null]>([
  ['nothing yet', [], null, null],
  ['too few of anything', [sample, { ...sample, size: 'L' }], null, null],
  ['of the same kind', [...three({}), ...three({ isBug: true, minutes: 90 })], 3, 2.6],
  ['too few of the kind: bugs count', [sample, ...three({ isBug: true })], 4, 5.8],
  ['too few in the repository: others of the size count', [sample, ...three({ repository: 'api' })], 4, 5.8],
  ['too few of the size anywhere: others of the repository count', [sample, ...three({ size: 'L' })], 4, 5.8],
  ['nothing in common', three({ repository: 'api', size: 'L' }), null, null],
])('similar sessions: %s', ([, samples, from, high], { expect }) => {
  const made = estimate(ticket, samples);
  expect(made?.from ?? null).toBe(from);
  if (high !== null) expect(made?.minutes.high).toBeCloseTo(high);
});

test('money is told where three had a price', ({ expect }) => {
  expect(estimate(ticket, three({ usd: null }))?.usd).toBeNull();
  expect(estimate(ticket, three({}))?.usd?.low).toBeCloseTo(0.14);
});

test('between the values where a percentile falls between them', ({ expect }) => {
  expect(percentile([], 0.5)).toBe(0);
  expect(percentile([7], 0.2)).toBe(7);
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(percentile([10, 20, 30, 40, 50, 60], 0.8)).toBe(50);
});

test('in words, and the actual beside it', ({ expect }) => {
  const made = { minutes: { low: 7.96, high: 15.4 }, usd: { low: 0.4, high: 0.9 }, from: 5 };
  expect(describeEstimate(made)).toBe('8-15 min, $0.40-0.90 (from 5 similar tickets)');
  expect(describeEstimate({ ...made, minutes: { low: 3, high: 3 }, usd: null })).toBe('3 min (from 5 similar tickets)');
  expect(describeActual(made, { minutes: 11.2, usd: 0.617 })).toBe(
    '*Estimated: 8-15 min, $0.40-0.90; it took 11 min, $0.62.*',
  );
  expect(describeActual(null, { minutes: 0.26, usd: null })).toBe(
    '*Rated without an estimate, as there was nothing to compare with; it took 0.3 min.*',
  );
});
