import { expect, test } from 'vitest';
import { hideSecrets } from '../../src/publishing/hide-secrets.ts';

const ours = 'whsec_4f1c9d2ab87e66';
const token = `ghp_${'a1B2'.repeat(9)}`;

test.each([
  ['nothing to hide', 'exit 1 in 0.3 s', 'exit 1 in 0.3 s'],
  ['one of ours', `key=${ours};`, 'key=[redacted];'],
  ['twice, in two lines', `${ours}\n${ours}`, '[redacted]\n[redacted]'],
  ['what has the form of one, found by more than one rule', `token ${token} end`, 'token [redacted] end'],
  [
    'a whole private key, once',
    `a\n-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA7x/y+z=\n'.repeat(30)}-----END RSA PRIVATE KEY-----\nb`,
    'a\n[redacted]\nb',
  ],
  ['a header of a request', 'Cookie: session=0123', 'Cookie: [redacted]'],
])('%s', async (_name, text, hidden) => {
  expect(await hideSecrets(text, [ours])).toBe(hidden);
});
