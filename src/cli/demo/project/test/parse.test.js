import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '../src/index.js';

test('adds up its parts', () => {
  assert.equal(parse('1h 30m'), 5_400_000);
  assert.equal(parse('2d'), 172_800_000);
});

test('tells minutes from milliseconds', () => {
  assert.equal(parse('5m'), 300_000);
  assert.equal(parse('5ms'), 5);
});

test('refuses what is not a duration', () => {
  assert.throws(() => parse('soon'), RangeError);
});
