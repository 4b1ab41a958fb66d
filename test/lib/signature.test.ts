import { test } from 'vitest';
import { signatureMatches, signBody } from '../../src/lib/signature.ts';

// RFC 4231, test case 2.
const known = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
const body = Buffer.from('what do ya want for nothing?');

test('it is HMAC-SHA256 in hexadecimal', ({ expect }) => {
  expect(signBody('Jefe', body)).toBe(known);
  expect(signatureMatches('Jefe', body, known)).toBe(true);
  expect(signatureMatches('Jefe', body, known.toUpperCase())).toBe(true);
});

test.for([
  ['none', undefined],
  ['empty', ''],
  ['short', known.slice(1)],
  ['long', `${known}0`],
  ['with its prefix', `sha256=${known}`],
  ['not hexadecimal', known.replace('5', 'g')],
  ['another', known.replace('5', '6')],
] as const)('a signature that is %s does not match', ([, given], { expect }) => {
  expect(signatureMatches('Jefe', body, given)).toBe(false);
});

test('another secret or other bytes do not match', ({ expect }) => {
  expect(signatureMatches('jefe', body, known)).toBe(false);
  expect(signatureMatches('Jefe', Buffer.from('what do ya want for nothing!'), known)).toBe(false);
});

test('an empty secret is refused, not used', ({ expect }) => {
  expect(() => signBody('', body)).toThrow('secret is empty');
  expect(() => signatureMatches('', body, known)).toThrow('secret is empty');
});
