import { test } from 'vitest';
import { findOverlaps, mayMeet } from '../../src/core/overlap.ts';

test.for<[string, string, boolean]>([
  ['src/a.ts', 'src/a.ts', true],
  ['src/a.ts', './src/a.ts', true],
  ['src/a.ts', 'src/b.ts', false],
  ['src/a.ts', 'src', true],
  ['src/', 'src/deep/a.ts', true],
  ['src/cart', 'src/cartoon/a.ts', false],
  ['src/*.ts', 'src/a.ts', true],
  ['src/*.ts', 'src/a.js', false],
  ['src/*.ts', 'src/deep/a.ts', false],
  ['src/**', 'src/deep/a.ts', true],
  ['src/**', 'test/a.ts', false],
  ['**/*.ts', 'src/a.ts', true],
  ['**/*.ts', 'a.ts', true],
  ['**/*.ts', 'docs/readme.md', false],
  ['**/*.md', 'src/**/a.*', true],
  ['src/**/a.ts', 'src/a.ts', true],
  ['src/a*.ts', 'src/*b.ts', true],
  ['src/a*.ts', 'src/b*.ts', false],
  ['src/{a,b}.ts', 'src/a.ts', true],
  ['src/?.ts', 'src/ab.ts', false],
  ['', 'src/a.ts', true],
])('%s and %s may mean the same file: %s', ([a, b, meet], { expect }) => {
  expect([mayMeet(a, b), mayMeet(b, a)]).toEqual([meet, meet]);
});

test('patterns that are made to be costly are not', ({ expect }) => {
  const stars = `${'a*'.repeat(100)}b`;
  const deep = `${'**/a*/'.repeat(200)}b`;
  const began = performance.now();
  for (let times = 0; times < 50; times++) {
    mayMeet(stars, `${'a'.repeat(10_000)}`);
    mayMeet(deep, deep.replaceAll('a', 'c'));
  }
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('of two at work, only the one that began later is to wait', ({ expect }) => {
  const [ours, theirs] = [
    { id: '2', files: ['src/a.ts'], begunAt: '2026-01-01T00:00:02Z' },
    { session: { id: '1' }, files: ['src/**', 'src/**', 'docs/b.md'], begunAt: '2026-01-01T00:00:01Z' },
  ];
  expect(findOverlaps(ours, [theirs])).toEqual([{ session: { id: '1' }, files: ['src/**'], isEarlier: true }]);
  expect(findOverlaps({ ...ours, begunAt: '2026-01-01T00:00:00Z' }, [theirs])[0]?.isEarlier).toBe(false);
  const same = { ...ours, begunAt: theirs.begunAt };
  expect(findOverlaps(same, [theirs])[0]?.isEarlier, 'at the same moment: one of them').toBe(true);
  expect(findOverlaps({ ...same, id: '0' }, [theirs])[0]?.isEarlier).toBe(false);
  expect(findOverlaps({ ...ours, files: [] }, [theirs])).toEqual([]);
});
