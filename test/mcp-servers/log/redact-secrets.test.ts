import { expect, test } from 'vitest';
import { cutLog } from '../../../mcp-servers/log/cut-log.ts';
import { redactSecrets } from '../../../mcp-servers/log/redact-secrets.ts';

const stateless = `ghs_12345_${'eyJhbGciOi.'.repeat(46)}`;

test.each([
  [`token ${stateless} used`, 'token [redacted] used'],
  [`https://x-access-token:${stateless}@github.com/o/r.git`, 'https://x-access-token:[redacted]@github.com/o/r.git'],
  [`GH_TOKEN=gho_${'a1'.repeat(18)}`, 'GH_TOKEN=[redacted]'],
  [`github_pat_${'11ABC_'.repeat(13)}`, '[redacted]'],
  [`shipmate login with shp_${'aB3_-'.repeat(8)}xyz, then go on`, 'shipmate login with [redacted], then go on'],
  [`ATATT3xFf${'aB3_-'.repeat(30)}=0A1B2C3D is it`, '[redacted] is it'],
  [`ATOA${'aB3_-'.repeat(13)}0A1B2C3D, ATCTT3xFf${'aB3_-'.repeat(30)}`, '[redacted], [redacted]'],
  ['id AKIAIOSFODNN7EXAMPLA', 'id [redacted]'],
  ['aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY', 'aws_secret_access_key = [redacted]'],
  ['> Authorization: Bearer abc.def-ghi', '> Authorization: Bearer [redacted]'],
  ['{"authorization":"Basic dXNlcjpwYXNz"}', '{"authorization":"Basic [redacted]"}'],
  ['curl -H "bearer 0123456789abcdef0123"', 'curl -H "bearer [redacted]"'],
  ['Set-Cookie: session=abc; Path=/', 'Set-Cookie: [redacted]'],
  ['postgres://app:hunter22@db:5432/x', 'postgres://app:[redacted]@db:5432/x'],
  ['GET https://blob/x?sv=1&sig=abcdef%2F123456&se=2', 'GET https://blob/x?sv=1&sig=[redacted]&se=2'],
  ['password: "c0rrect-horse-battery"', 'password: "[redacted]"'],
  [`dop_v1_${'0a1b'.repeat(16)}, SG.${'aB3_'.repeat(5)}.${'cD4-'.repeat(10)}`, '[redacted], [redacted]'],
  [`hvs.${'aB3x'.repeat(10)} glrt-${'aB3x'.repeat(5)} PMAK-${'0a1b'.repeat(8)}`, '[redacted] [redacted] [redacted]'],
  [`123456789:AA${'bC4_'.repeat(8)}x`, '[redacted]'],
  [
    `https://discord.com/api/webhooks/${'1'.repeat(18)}/${'aB3_'.repeat(17)}`,
    `https://discord.com/api/webhooks/${'1'.repeat(18)}/[redacted]`,
  ],
  ['curl -s -u ada:hunter22 https://x.test', 'curl -s -u ada:[redacted] https://x.test'],
  ['mysql -u root -phunter22 shop', 'mysql -u root -p[redacted] shop'],
  ['deploy --api-token hunter22 --now', 'deploy --api-token [redacted] --now'],
  ["SECRET_KEY = 'k(9*x!a_2)#b=4z'", "SECRET_KEY = '[redacted]'"],
  ['the value is k9-known-value, twice k9-known-value', 'the value is [redacted], twice [redacted]'],
])('%# hides %s', (line, safe) => {
  expect(redactSecrets(line, ['k9-known-value'])).toBe(safe);
});

test.each([
  'http.https://github.com/.extraheader AUTHORIZATION: basic ***',
  'token: ***',
  '  GITHUB_TOKEN: ***',
  'SyntaxError: Unexpected token: identifierNames',
  'secret scanning passed; tokens: 12',
  'unknown option --token given, 12 known',
  '- token ring0',
  'curl -u "$NAME:$PASSWORD" https://x.test | mysql --protocol=tcp -P 3306',
  `token: '\${env.DEPLOY_TOKEN_2}'`,
  `Cache key: Linux-key-${'0a1b'.repeat(8)}`,
  'NotificationPreferencesRepo.update.andThenTellWhoeverFollowsTheTicket',
  'commit 5bb5f0b1de2d8d3f0f9f4b8e4e5c9b8f0b1d2c3a',
  'src/core/password.ts:3:5 - error TS2304: Cannot find name',
  'https://registry.npmjs.org/@scope/name/-/name-1.2.3.tgz',
  'sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==',
])('%# leaves %s', (line) => {
  expect(redactSecrets(line)).toBe(line);
});

test('a private key over many lines, and nothing after it', async () => {
  const key = ['-----BEGIN RSA PRIVATE KEY-----', 'MIIEpAIBAAKCAQEA', 'x/y+z=', '-----END RSA PRIVATE KEY-----'];
  const log = Buffer.from(['before', ...key, 'after'].join('\n'));
  const { text } = await cutLog(
    (async function* () {
      yield log;
    })(),
    { signal: new AbortController().signal },
  );
  expect(text).toBe(['before', ...key.map(() => '[redacted]'), 'after'].join('\n'));
});

test('takes time in step with the length of the line', () => {
  const time = (line: string) => {
    const begun = performance.now();
    redactSecrets(line);
    return performance.now() - begun;
  };
  for (const part of [
    'token=',
    'ghs_a.',
    'a://b:',
    'eyJaaaaaaaaaaa.',
    'authorization: ',
    'https://aaaa~',
    'bearer  ',
    ' --token ',
    'curl -u a:',
    'mysql x ',
    'secret="',
  ]) {
    time(part.repeat(10));
    expect(time(part.repeat(4096 / part.length)), part).toBeLessThan(100);
  }
});
