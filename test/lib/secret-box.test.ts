import { test } from 'vitest';
import { openSecret, sealSecret } from '../../src/lib/secret-box.ts';

const secret = 'the-client-secret-of-the-app';

test('what was sealed opens with the same secret for the same purpose, and with nothing else', ({ expect }) => {
  const box = sealSecret(secret, 'acme', 'tökén');
  expect(openSecret(secret, 'acme', box)).toBe('tökén');
  expect(openSecret('another-client-secret', 'acme', box)).toBeNull();
  expect(openSecret(secret, 'other', box)).toBeNull();
  expect(box.includes('tökén')).toBe(false);
});

test('no byte of a box may be changed or left off', ({ expect }) => {
  const box = sealSecret(secret, 'acme', 'token');
  for (let at = 0; at < box.length; at++) {
    const changed = Buffer.from(box);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(openSecret(secret, 'acme', changed), `byte ${at}`).toBeNull();
    expect(openSecret(secret, 'acme', box.subarray(0, at)), `${at} bytes`).toBeNull();
  }
});

test('the same text is never sealed alike, and an empty secret seals nothing', ({ expect }) => {
  expect(sealSecret(secret, 'acme', 'token')).not.toEqual(sealSecret(secret, 'acme', 'token'));
  expect(() => sealSecret('', 'acme', 'token')).toThrow('empty');
});
