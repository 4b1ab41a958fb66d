import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, type Environment, loadConfig } from '../../src/config.ts';
import { createRedactor } from '../../src/lib/redact.ts';

let cwd: string;
let pem: string;
let app: { GITHUB_APP_ID: string; GITHUB_PRIVATE_KEY: string };
const keyPair = (options: Partial<{ passphrase: string; cipher: string }> = {}) =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem', ...options },
  });
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'config-github-'));
  pem = keyPair().privateKey;
  app = { GITHUB_APP_ID: '4711', GITHUB_PRIVATE_KEY: pem };
});
afterAll(() => rmSync(cwd, { recursive: true }));

function load(yaml: string, env: Environment = {}) {
  writeFileSync(join(cwd, 'shipmate.yaml'), yaml);
  return loadConfig({ cwd, env });
}

function told(yaml: string, env: Environment): string {
  try {
    load(yaml, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
  throw new Error('this configuration was accepted');
}

describe('GitHub', () => {
  test('is off without a way in; an App or a token opens it', () => {
    expect(load('github: { agent: mate }').github).toBeNull();
    const yaml = 'http: { publicUrl: "https://mate.example.com" }\ngithub: { agent: mate, labels: [agent] }';
    const config = load(yaml, { ...app, GITHUB_WEBHOOK_SECRET: 'the-new-secret, the-old-secret' });
    expect(config.github).toMatchObject({
      ...{ agent: 'mate', labels: ['agent'], apiUrl: 'https://api.github.com', appId: '4711', token: null },
      ...{ webhookSecrets: ['the-new-secret', 'the-old-secret'], pollSeconds: null },
    });
    const own = load('', { GITHUB_TOKEN: 'github_pat_0123456789', GITHUB_API_URL: 'https://git.acme.com/api/v3/' });
    expect(own.github).toMatchObject({
      ...{ apiUrl: 'https://git.acme.com/api/v3', appId: null, privateKey: null, token: 'github_pat_0123456789' },
    });
    expect(own.secrets).toEqual(['github_pat_0123456789']);
  });

  test('the private key is taken in every form that people put it into, and known as a secret', () => {
    mkdirSync(join(cwd, 'keys'), { recursive: true });
    writeFileSync(join(cwd, 'keys/app.pem'), pem);
    const forms = {
      escaped: pem.replaceAll('\n', '\\n'),
      'one line, blanks': pem.replaceAll('\n', ' '),
      quoted: JSON.stringify(pem),
      'windows line ends': pem.replaceAll('\n', '\r\n'),
      base64: Buffer.from(pem).toString('base64'),
      'a path': 'keys/app.pem',
      'a path in the home': '~/keys/app.pem',
    };
    const expected = load('', app).github?.privateKey;
    expect(expected).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    for (const [name, GITHUB_PRIVATE_KEY] of Object.entries(forms)) {
      const config = load('', { ...app, GITHUB_PRIVATE_KEY, HOME: cwd });
      expect(config.github?.privateKey, name).toBe(expected);
      const { redact } = createRedactor(config.secrets);
      for (const shown of [pem, expected ?? '', Buffer.from(pem).toString('base64')])
        expect(redact(`key: ${shown}`).length, name).toBeLessThan(100);
      expect(redact('keys/app.pem')).toBe('keys/app.pem');
    }
  });

  test('what is set by halves, or twice, is told without a value', () => {
    const token = { GITHUB_TOKEN: 'ghp_0123456789abc' };
    const locked = keyPair({ cipher: 'aes-256-cbc', passphrase: 'x' }).privateKey;
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const curve = elliptic.export({ type: 'pkcs8', format: 'pem' }) as string;
    const key = (GITHUB_PRIVATE_KEY: string) => told('', { ...app, GITHUB_PRIVATE_KEY });
    const cases: [string, RegExp][] = [
      [told('', { GITHUB_APP_ID: '4711' }), /GITHUB_APP_ID is set, but GITHUB_PRIVATE_KEY is not/],
      [told('', { GITHUB_PRIVATE_KEY: pem }), /GITHUB_PRIVATE_KEY is set, but GITHUB_APP_ID is not/],
      [told('', { ...app, GITHUB_APP_ID: 'my-mate' }), /GITHUB_APP_ID must be the App's id/],
      [told('', { ...app, ...token }), /Keep one way in/],
      [told('', { GITHUB_WEBHOOK_SECRET: 'a-secret' }), /but nothing opens GitHub/],
      [told('', { ...token, GITHUB_WEBHOOK_SECRET: 'a,b,c' }), /more than two/],
      [told('github: { poll: off }', token), /github\.poll is off, but GITHUB_WEBHOOK_SECRET/],
      [told('', { ...token, GITHUB_API_URL: 'http://git.acme.com/api/v3' }), /must begin with https/],
      [told('', { ...token, GITHUB_API_URL: 'https://git.acme.com' }), /https:\/\/HOST\/api\/v3/],
      [told('', { ...token, GITHUB_API_URL: 'https://github.com/' }), /GitHub's own site/],
      [key('keys/none.pem'), /must be the App's private key/],
      [key(keyPair().publicKey), /is a public key/],
      [key(locked), /encrypted with a passphrase/],
      [key(curve), /no RSA key/],
      [key(pem.replace(/\n.{64}\n/, '\n')), /cannot be read; it may be cut off/],
    ];
    for (const [problems, expected] of cases) {
      expect(problems).toMatch(expected);
      expect(problems).not.toMatch(/PRIVATE KEY-----|ghp_|my-mate|a-secret|git\.acme|none\.pem/);
    }
  });

  test('it is asked where nothing can tell, and people may say so', () => {
    const polled = (yaml: string, env: Environment) => load(yaml, { ...app, ...env }).github?.pollSeconds;
    const address = 'http: { publicUrl: "https://mate.example.com" }';
    const signed = { GITHUB_WEBHOOK_SECRET: 'a-webhook-secret' };
    expect(polled('', signed)).toBe(15);
    expect(polled(address, {})).toBe(15);
    expect(polled(address, signed)).toBeNull();
    expect(polled(`${address}\ngithub: { poll: on, pollSeconds: 60 }`, signed)).toBe(60);
    expect(polled('github: { poll: off }', signed)).toBeNull();
  });

  test.each([
    ['a secret', 'github: { token: abc-def-ghi }', 'GITHUB_TOKEN'],
    ['a key', 'guidance: "-----BEGIN RSA PRIVATE KEY-----"', 'GITHUB_PRIVATE_KEY'],
    ['a token', 'guidance: ghs_4711_eyJhbGciOi', 'GITHUB_TOKEN'],
    ['a webhook secret', 'github: { webhookSecret: abc-def-ghi }', 'GITHUB_WEBHOOK_SECRET'],
  ])('%s in the file belongs in the environment', (_, yaml, variable) => {
    expect(told(yaml, {})).toContain(`Secrets belong in the environment, as ${variable}`);
  });
});

describe('a repository', () => {
  const on = (url: string, env: Environment, more = '') =>
    load(`repositories: { web: { url: "${url}"${more} } }`, env).repositories[0];
  const server = { GITHUB_TOKEN: 'github_pat_0123456789', GITHUB_API_URL: 'https://git.acme.com/api/v3' };

  test.each([
    'https://github.com/acme/web.git',
    'https://www.github.com/acme/web/',
    'https://GitHub.com/acme/web',
    'git@github.com:acme/web.git',
    'ssh://git@github.com/acme/web.git',
    'ssh://git@ssh.github.com:443/acme/web.git',
  ])('on the GitHub that is connected belongs to it: %s', (url) => {
    expect(on(url, app)).toEqual({
      name: 'web',
      codeHost: 'github',
      location: 'acme/web',
      account: 'acme',
      base: null,
    });
    expect(on(url, app, ', codeHost: local-git')).toMatchObject({ codeHost: 'local-git', location: url });
    expect(on(url, {})).toMatchObject({ codeHost: 'local-git', location: url });
    expect(on(url, server)).toMatchObject({ codeHost: 'local-git', location: url });
  });

  test('on a server of ours does, too, and one elsewhere does not', () => {
    expect(on('git@git.acme.com:acme/web.git', server)).toMatchObject({ codeHost: 'github', location: 'acme/web' });
    for (const url of ['https://gitlab.com/acme/web.git', 'https://github.com/acme/deep/web.git', 'git@host:web.git'])
      expect(on(url, app)).toMatchObject({ codeHost: 'local-git', location: url });
  });

  test('that is said to be there and cannot be is told', () => {
    const web = 'repositories: { web: { url: "https://gitlab.com/acme/web", codeHost: github } }';
    expect(told(web, app)).toBe(
      'repositories.web.codeHost is "github", but its url is no https://github.com/OWNER/NAME.',
    );
    expect(told(web, {})).toMatch(/but nothing opens GitHub/);
    expect(told('repositories: { web: { path: web, codeHost: github } }', app)).toMatch(/its url is no https/);
  });
});

describe('issues as tickets', () => {
  const repositories = 'repositories: { web: { url: "https://github.com/acme/web" }, api: { path: api } }';
  const with_ = (names: string) =>
    `${repositories}\ntrackers: { github-issues: { label: agent, repositories: [${names}] } }`;

  test('are those of the repositories that are named', () => {
    expect(load(repositories, app).trackers['github-issues']).toBeNull();
    const config = load(`${with_('web, Acme/plans, acme/web')}\norders: { a: { tracker: github-issues } }`, app);
    const named = ['acme/web', 'Acme/plans'];
    expect(config.trackers['github-issues']).toEqual({ label: 'agent', repositories: named, github: config.github });
  });

  test('of others are told', () => {
    expect(told(with_('api'), app)).toMatch(/"api", which is not on GitHub: its code host is local-git/);
    expect(told(with_('wbe'), app)).toMatch(/"wbe", which is neither under repositories nor/);
    expect(told(with_('web'), {})).toMatch(/but nothing opens GitHub/);
    expect(told(`${repositories}\nsummary: { tracker: github-issues }`, app)).toMatch(
      /summary\.tracker is "github-issues", but issues are no tickets/,
    );
  });
});
