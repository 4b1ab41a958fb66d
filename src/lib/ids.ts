import { createHash } from 'node:crypto';
import { canonicalJson } from './json.ts';

/**
 * A UUID made from its parts, shaped as version 4 (some vendors take no other): the same parts give the same id on every
 * machine and in every retry, so whatever leaves under it is seen once.
 */
export function deterministicId(...parts: (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x40;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** SHA-256 of a value, in hex: the same for whatever is the same JSON, however its keys are ordered. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
