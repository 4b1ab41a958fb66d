import { expect, test } from 'vitest';
import { createWritten } from '../../../mcp-servers/sentry/written.ts';

const written = createWritten([]);

test.each([
  ['refused by 203.0.113.9.', 'refused by [ip].'],
  ['python 3.11.4.2.1 on 127.0.0.1', 'python 3.11.4.2.1 on 127.0.0.1'],
  ["'jörg.o'brien@exämple.de'", "'[email]'"],
  ['card 4111 1111 1111 1111, order 4111 1111 1111 1112', 'card [card], order 4111 1111 1111 1112'],
  ['DE89 3704 0044 0532 0130 00 or GB82WEST12345698765432', '[iban] or [iban]'],
  ['DE89370400440532013001 is none', 'DE89370400440532013001 is none'],
  [
    'call +49 (170) 123-4567; ssn 078-05-1120; 2026-01-31T12:00:00+0100',
    'call [phone]; ssn [ssn]; 2026-01-31T12:00:00+0100',
  ],
  ["User(id=7, passwd='abc', note='x')", "User(id=7, passwd='[hidden]', note='x')"],
  ['{"password": "let\\"me in", "page": "2"}', '{"password": "[hidden]", "page": "2"}'],
  ['password=letmein X-Api-Key: 123abc PHPSESSID=ab12', 'password=[hidden] X-Api-Key: [hidden] PHPSESSID=[hidden]'],
  ['document.cookie = "cart=1"', 'document.cookie = "[hidden]"'],
  // What an error or a line of code says of names is needed.
  ['Unexpected token: identifier at address: 0x7ffe01', 'Unexpected token: identifier at address: 0x7ffe01'],
  ['login(user=user, password=self.password, token=None)', 'login(user=user, password=self.password, token=None)'],
  ['postgres://app:p@ss@db/x', 'postgres://app:[redacted]@db/x'],
  ['https://npm.example:8443/@scope/a', 'https://npm.example:8443/@scope/a'],
  [`cookie of Flask ${'eyJ1c2VyX2lkIjo1fQ'}.ZaBcDe.Ab3dEfGhIjKlMnOpQr`, 'cookie of Flask [redacted]'],
  [`JWE ${'eyJhbGciOiJSU0EtT0FFUCJ9'}.OKOawDo13gRp.48V1_ALb6US0.5eym8TW_c8Su.XFBoMYUZodet`, 'JWE [redacted]'],
])('%s', (text, shown) => {
  expect(written.line(text, 500)).toBe(shown);
});

test('of variables what stands under a name that tells is hidden, the names of all stay', () => {
  const [hidden, kept] = [
    ['password_confirmation', 'passwordHash', 'db_pass', 'pwd', 'AWS_ACCESS_KEY_ID', 'jwt', 'clientIp', 'database_dsn'],
    ['passed', 'page', 'zipper', 'pinned', 'ipsum', 'author', 'authors'],
  ];
  const told = written.value(Object.fromEntries([...hidden, ...kept].map((name) => [name, 'abc'])), 1_000);
  expect(told).toBe(
    `{${[...hidden.map((name) => `${name}: [hidden]`), ...kept.map((name) => `${name}: abc`)].join(', ')}}`,
  );
});

test('what is made to be slow to look through is not', () => {
  const unlucky = ["a='", '+1 ', '1-1 ', 'eyJaaaaaaaaaa.', 'AA11 ', 'a.a@', 'password=', '4 4'];
  const before = performance.now();
  for (const piece of unlucky) written.lines(piece.repeat(20_000), 5_000);
  expect(performance.now() - before).toBeLessThan(2_000);
});
