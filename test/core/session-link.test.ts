import { expect, test } from 'vitest';
import { requestUrl, sessionOfKey, sessionUrl } from '../../src/core/session-link.ts';

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

test("a pull request that no browser opens is on its session's page, each under its own address", () => {
  const page = 'https://mate.example.com/sessions/ENG-1/key';
  for (const [url, there] of [
    ['https://github.com/acme/web/pull/7', 'https://github.com/acme/web/pull/7'],
    ['HTTP://forge.local/acme/web/7', 'HTTP://forge.local/acme/web/7'],
    ['ssh://git@github.com/acme/web.git#pull-request-7', `${page}#pull-request-7`],
    ['file:///srv/git/web.git#pull-request-7', `${page}#pull-request-7`],
  ] as const) {
    expect(requestUrl(url, 7, page)).toBe(there);
    expect(requestUrl(url, 7, null), 'where nobody has a page').toBe(url);
  }
});
