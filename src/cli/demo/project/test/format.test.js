import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, parse } from '../src/index.js';

test('writes the shortest exact form', () => {
  assert.equal(format(5_400_000), '1h 30m');
  assert.equal(format(0), '0s');
});

test('is read back by parse', () => {
  for (const duration of [1, 999, 61_000, 86_399_999]) assert.equal(parse(format(duration)), duration);
});
