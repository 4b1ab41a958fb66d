import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { inspectChange } from '../../src/publishing/gate.ts';
import { changeOf, gateInput } from './changes.ts';

/** The same text for the same seed, so that a miss can be looked at again. */
function letters(seed: string, length: number, alphabet: string): string {
  let text = '';
  for (let block = 0; text.length < length; block++)
    for (const byte of createHash('sha256').update(`${seed}/${block}`).digest())
      text += alphabet[byte % alphabet.length];
  return text.slice(0, length);
}

const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const hex = `${digits}abcdef`;
const alnum = `${lower}${lower.toUpperCase()}${digits}`;
const base64 = `${alnum}+/`;
const url64 = `${alnum}-_`;

/** One generator a kind; made here, so that no file of ours looks like it holds a secret. */
const kinds: Record<string, (seed: string) => string> = {
  'GitHub token': (s) => `ghp_${letters(s, 36, alnum)}`,
  'GitHub installation token': (s) =>
    `ghs_123456_${letters(s, 36, alnum)}.${letters(`${s}2`, 270, alnum)}.${letters(`${s}3`, 180, alnum)}`,
  'GitHub fine-grained token': (s) => `github_pat_${letters(s, 22, alnum)}_${letters(`${s}2`, 59, alnum)}`,
  'GitLab token': (s) => `glpat-${letters(s, 20, alnum)}`,
  'npm token': (s) => `npm_${letters(s, 36, alnum)}`,
  'Slack token': (s) => `xoxb-${letters(s, 12, digits)}-${letters(s, 12, digits)}-${letters(s, 24, alnum)}`,
  'Slack webhook': (s) =>
    `https://hooks.slack.com/services/T${letters(s, 8, alnum)}/B${letters(s, 8, alnum)}/${letters(s, 24, alnum)}`,
  'Anthropic key': (s) => `sk-ant-api03-${letters(s, 93, alnum)}AA`,
  'OpenAI key': (s) => `sk-${letters(s, 20, alnum)}T3BlbkFJ${letters(`${s}2`, 20, alnum)}`,
  'AWS access key': (s) => `AKIA${letters(s, 16, `${lower.toUpperCase()}234567`)}`,
  'AWS secret key': (s) => letters(s, 40, base64),
  'Google API key': (s) => `AIza${letters(s, 35, url64)}`,
  'Stripe key': (s) => `sk_live_${letters(s, 24, alnum)}`,
  'SendGrid key': (s) => `SG.${letters(s, 22, url64)}.${letters(`${s}2`, 43, url64)}`,
  'Linear API key': (s) => `lin_api_${letters(s, 40, alnum)}`,
  'Linear OAuth token': (s) => `lin_oauth_${letters(s, 64, hex)}`,
  'personal token of ours': (s) => `shp_${letters(s, 43, url64)}`,
  'Atlassian token': (s) => `ATATT3xFfGF0${letters(s, 180, url64)}=${letters(`${s}2`, 8, hex.toUpperCase())}`,
  'Atlassian organisation key': (s) =>
    `ATCTT3xFfGN0${letters(s, 180, url64)}=${letters(`${s}2`, 8, hex.toUpperCase())}`,
  'Atlassian OAuth secret': (s) => `ATOA${letters(s, 64, url64)}${letters(`${s}2`, 8, hex.toUpperCase())}`,
  'Sentry token': (s) => `sntrys_eyJ${letters(s, 80, alnum)}_${letters(`${s}2`, 43, alnum)}`,
  'Sentry integration token': (s) => `sntryi_${letters(s, 64, hex)}`,
  'JSON Web Token': (s) =>
    `eyJ${letters(s, 33, url64)}.eyJ${letters(`${s}2`, 60, url64)}.${letters(`${s}3`, 43, url64)}`,
  'Postgres URL': (s) => `postgresql://app:${letters(s, 16, alnum)}@db.acme.io:5432/app`,
  'basic-auth URL': (s) => `https://deploy:${letters(s, 20, alnum)}@git.acme.io/x.git`,
  'base64 of a GitHub token': (s) => Buffer.from(`ghp_${letters(s, 36, alnum)}`).toString('base64'),
  'plain password': (s) => `${letters(s, 10, alnum)}!7Qz`,
};

const pem = (kind: string, s: string) =>
  `-----BEGIN ${kind}PRIVATE KEY-----\n${(letters(s, 640, base64).match(/.{64}/g) ?? []).join('\n')}\n-----END ${kind}PRIVATE KEY-----\n`;

const lines: ((value: string) => [path: string, line: string])[] = [
  (value) => ['src/client.ts', `const token = '${value}';`],
  (value) => ['config/app.json', `  "apiToken": "${value}",`],
  (value) => ['deploy/.env.production', `API_SECRET=${value}`],
  (value) => ['lib/settings.py', `PASSWORD = "${value}"`],
];

async function reasonsFor(path: string, content: string | Uint8Array, knownSecrets: string[] = []) {
  const { reasons } = await inspectChange(gateInput([{ path, content }], { knownSecrets }));
  return reasons;
}

describe('what has the form of a secret', () => {
  test.each(Object.entries(kinds))('%s', async (kind, make) => {
    const missed: string[] = [];
    for (let round = 0; round < 10; round++)
      for (const [index, line] of lines.entries()) {
        const value = make(`${kind}/${round}`);
        const [path, text] = line(value);
        const reasons = await reasonsFor(path, `first\n${text}\nlast\n`);
        if (!reasons.some(({ rule, message }) => rule === 'secret' && message.includes('line 2,')))
          missed.push(`${index}: ${text}`);
        expect(JSON.stringify(reasons)).not.toContain(value.slice(4, 20));
      }
    // A password that happens to be pronounceable, or has no digit, is nobody's pattern.
    expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(2);
  });

  test.each(['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '])(
    'a %sprivate key, also in a string literal',
    async (kind) => {
      const key = pem(kind, kind);
      expect((await reasonsFor('deploy.txt', `x\n${key}`))[0]).toEqual({
        ...{ rule: 'secret', path: 'deploy.txt' },
        message: '`deploy.txt`, line 2, has what looks like a private key.',
      });
      expect((await reasonsFor('k.ts', `const k = "${key.replaceAll('\n', '\\n')}";\n`)).length).toBeGreaterThan(0);
    },
  );

  test('a comment in the file switches nothing off', async () => {
    const line = `const token = '${kinds['GitLab token']?.('x')}'; // secretlint-disable-line\n`;
    expect((await reasonsFor('a.ts', `/* secretlint-disable */\n${line}`)).map(({ rule }) => rule)).toContain('secret');
  });

  test('in UTF-16, in a binary file, in a name', async () => {
    const token = kinds['GitHub token']?.('y') ?? '';
    expect(await reasonsFor('a.txt', Buffer.from(`\ufefftoken ${token}`, 'utf16le'))).toMatchObject([
      { rule: 'secret' },
    ]);
    expect(await reasonsFor('a.bin', Buffer.concat([Buffer.from([0, 255, 1]), Buffer.from(token)]))).toMatchObject([
      { rule: 'secret', message: '`a.bin` has what looks like a GitHub token.' },
    ]);
    expect(await reasonsFor(`${token}.txt`, 'x\n')).toMatchObject([{ rule: 'secret' }]);
  });

  test('only in new lines: what is on the base branch already holds nobody up', async () => {
    const token = kinds['GitHub token']?.('z') ?? '';
    const content = `old ${token}\nnew line\n`;
    const patch = 'diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1,2 @@\n old\n+new line\n';
    const changes = [{ ...changeOf({ path: 'a.txt', status: 'M', content }), added: 1 }];
    const input = gateInput([{ path: 'a.txt', content }], { changes, patch });
    expect((await inspectChange(input)).verdict).toBe('allow');
    const lying = { ...input, patch: patch.replace('+new line', '+another line') };
    expect((await inspectChange(lying)).verdict).toBe('hold');
    const renamed = { ...changes[0], status: 'R', oldPath: 'b.txt', oldSha: changes[0]?.newSha } as (typeof changes)[0];
    expect((await inspectChange({ ...input, patch: '', changes: [renamed] })).verdict).toBe('allow');
  });
});

describe("the service's own secrets", () => {
  const secret = 'Zk4-own/secret+value_93hTqLw';
  const disguises: Record<string, string> = {
    exact: secret,
    base64: Buffer.from(secret).toString('base64'),
    'base64 amid other text': Buffer.from(`user:${secret}:end`).toString('base64'),
    base64url: Buffer.from(`x${secret}`).toString('base64url'),
    hex: Buffer.from(secret).toString('hex'),
    'URL-encoded': encodeURIComponent(secret),
    reversed: [...secret].reverse().join(''),
    'split by spaces': [...secret].join(' '),
    'split by lines': secret.match(/.{1,4}/g)?.join('\n') ?? '',
    'split in literals': `'${secret.slice(0, 9)}' +\n  '${secret.slice(9)}'`,
    'without its first seven characters': secret.slice(7),
    'without its last seven characters': secret.slice(0, -7),
  };

  test.each(Object.entries(disguises))('%s', async (_name, disguise) => {
    const reasons = await reasonsFor('notes.md', `hello\nsee ${disguise} there\n`, [secret]);
    expect(reasons.map(({ message }) => message)).toContain(
      "`notes.md`, line 2, has what looks like one of the service's own secrets.",
    );
    expect(JSON.stringify(reasons)).not.toContain(disguise);
  });

  test('in a name, which is then not shown', async () => {
    const reasons = await reasonsFor(`docs/${secret.replace('/', '')}.md`, 'x\n', [secret.replace('/', '')]);
    expect(reasons).toMatchObject([{ rule: 'secret', path: 'docs/[redacted].md' }]);
  });
});
