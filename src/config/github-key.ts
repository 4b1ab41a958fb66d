import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

const pemBlock = /-----BEGIN ([A-Z ]+)-----([\s\S]*?)-----END \1-----/;

/**
 * A private key, however it was put into a variable: as PEM with line breaks, with `\n` or with blanks in their place; as
 * base64 of that; or as the path of a file with it. `secrets`: the same in the forms that it may be met in. What is wrong is
 * said without the value.
 */
export function readPrivateKey(
  given: string,
  absolute: (path: string) => string,
): { pem: string; secrets: string[] } | { problem: string } {
  const text =
    pemIn(given) ?? pemIn(Buffer.from(given, 'base64').toString('latin1')) ?? pemIn(contentOf(given, absolute));
  if (text === null)
    return {
      problem:
        "must be the App's private key (PEM, or base64 of it), or the path of a file that holds it and can be read",
    };
  if (/^-----BEGIN (RSA )?PUBLIC KEY/.test(text)) return { problem: 'is a public key. The private one is needed' };
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType !== 'rsa') return { problem: 'is no RSA key, so it is none of a GitHub App' };
    const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
    return { pem, secrets: [...new Set([pem.trim(), text.trim()])] };
  } catch (error) {
    const isLocked = /ENCRYPTED/.test(text) || (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
    return {
      problem: isLocked
        ? 'is encrypted with a passphrase. Give it without one'
        : 'holds a key that cannot be read; it may be cut off. Take it anew from the file that GitHub gave',
    };
  }
}

/** The first block of PEM in it, with its line breaks put right. */
function pemIn(text: string | null): string | null {
  const [, label = '', inside = ''] = pemBlock.exec(text ?? '') ?? [];
  if (label === '') return null;
  const body = inside.replace(/\\[rn]|\s/g, '');
  return `-----BEGIN ${label}-----\n${body.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}

function contentOf(given: string, absolute: (path: string) => string): string | null {
  if (given.length > 1_000 || given.includes('\0')) return null;
  try {
    return readFileSync(absolute(given), 'utf8');
  } catch {
    return null;
  }
}
