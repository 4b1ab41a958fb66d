import { expect, test } from 'vitest';
import { hideSecrets } from '../../src/publishing/hide-secrets.ts';

const ours = 'whsec_4f1c9d2ab87e66';
const token = `ghp_${'a1B2'.repeat(9)}`;

test.each([
  ['nothing to hide', 'exit 1 in 0.3 s', 'exit 1 in 0.3 s'],
  ['one of ours', `key=${ours};`, 'key=[redacted];'],
  ['twice, in two lines', `${ours}\n${ours}`, '[redacted]\n[redacted]'],
  ['what has the form of one, found by more than one rule', `token ${token} end`, 'token [redacted] end'],
])('%s', async (_name, text, hidden) => {
  expect(await hideSecrets(text, [ours])).toBe(hidden);
});
