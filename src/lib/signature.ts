import { createHmac, timingSafeEqual } from 'node:crypto';

/** Hexadecimal HMAC-SHA256. Throws on an empty secret, with which everybody could sign. */
export function signBody(secret: string, body: Uint8Array): string {
  return hmac(secret, body).toString('hex');
}

/**
 * Whether `given` is the hexadecimal HMAC-SHA256 of these very bytes. Compared in constant time; whatever is missing or
 * malformed is false. A prefix such as GitHub's `sha256=` is the caller's to take off.
 */
export function signatureMatches(secret: string, body: Uint8Array, given: string | undefined): boolean {
  const expected = hmac(secret, body);
  if (given === undefined || !/^[0-9a-f]{64}$/i.test(given)) return false;
  return timingSafeEqual(expected, Buffer.from(given, 'hex'));
}

function hmac(secret: string, body: Uint8Array): Buffer {
  if (secret === '') throw new Error('The webhook secret is empty. Set it: with an empty one anybody could sign.');
  return createHmac('sha256', secret).update(body).digest();
}
