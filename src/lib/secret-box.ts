import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const version = 1;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts a text with AES-256-GCM under a key made from `secret` by HKDF, with a salt of its own. `purpose` names what it is
 * and whose: a box opens only for the purpose that it was sealed for, so nobody can put one row's in another's place.
 */
export function sealSecret(secret: string, purpose: string, text: string): Buffer {
  const salt = randomBytes(saltBytes);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret, salt), nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(purpose));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(version), salt, nonce, cipher.getAuthTag(), sealed]);
}

/** The text of a box; null when it was sealed with another secret or for another purpose, or was changed. */
export function openSecret(secret: string, purpose: string, box: Uint8Array): string | null {
  const bytes = Buffer.from(box);
  const head = 1 + saltBytes + nonceBytes + tagBytes;
  if (bytes[0] !== version || bytes.length < head) return null;
  const salt = bytes.subarray(1, 1 + saltBytes);
  const nonce = bytes.subarray(1 + saltBytes, 1 + saltBytes + nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, salt), nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(purpose));
  decipher.setAuthTag(bytes.subarray(head - tagBytes, head));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(head)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function keyOf(secret: string, salt: Uint8Array): Buffer {
  if (secret === '') throw new Error('The secret to encrypt with is empty.');
  return Buffer.from(hkdfSync('sha256', secret, salt, 'shipmate secret box', 32));
}
