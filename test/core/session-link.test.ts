import { expect, test } from 'vitest';
import { sessionOfKey, sessionUrl } from '../../src/core/session-link.ts';

const secret = 'a secret of this installation';
const id = '0c8e0f5e-9a55-4a53-8d6b-5b9f1c2d3e4f';
const keyOf = (url: string) => url.split('/').at(-1) ?? '';

test('an address leads back to its session, wherever the service is and whatever the ticket is called', () => {
  const url = sessionUrl('https://mate.example.com', secret, { id, identifier: 'ENG-1' });
  expect(url).toMatch(/^https:\/\/mate\.example\.com\/sessions\/ENG-1\/[\w-]{64}$/);
  expect(sessionOfKey(secret, keyOf(url))).toBe(id);
  const other = sessionUrl('https://h/mate//', secret, { id, identifier: 'acme/web#7' });
  expect(other).toBe(`https://h/mate/sessions/acme%2Fweb%237/${keyOf(url)}`);
});

test('a key that was changed, cut or made with another secret opens nothing', () => {
  const key = keyOf(sessionUrl('https://h', secret, { id, identifier: 'ENG-1' }));
  const changed = [...key].map((letter, at) => key.slice(0, at) + (letter === 'A' ? 'B' : 'A') + key.slice(at + 1));
  for (const wrong of [...changed, key.slice(1), `${key}A`, `${key.slice(1)}=`, `${key.slice(1)}+`, ''])
    expect(sessionOfKey(secret, wrong)).toBeNull();
  expect(sessionOfKey('another secret', key)).toBeNull();
});
