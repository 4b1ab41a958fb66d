import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { addProject } from '../stand-ins/jira/projects.ts';
import { type Jira, startJira } from '../stand-ins/jira/server.ts';
import { compileCache } from '../support/compile-cache.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const publicUrl = 'https://shipmate.example.com';
const webhookSecret = 'the-secret-of-the-webhook';
const scopes = ['read:jira-work', 'write:jira-work', 'read:jira-user'];

describe('shipmate connect jira', { timeout: 120_000 }, () => {
  let dir: string;
  let database: TestDatabase;
  let jira: Jira;
  let byToken: Record<string, string>;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-connect-jira-'));
    [database, jira] = await Promise.all([createTestDatabase(), startJira()]);
    const bot = jira.site.addUser('Shipmate', { isServiceAccount: true });
    addProject(jira.site, { key: 'ENG', name: 'Engineering' });
    const { value } = jira.oauth.addApiToken(jira.site, bot, { scopes });
    byToken = { JIRA_BASE_URL: jira.site.url, JIRA_EMAIL: bot.emailAddress, JIRA_API_TOKEN: value };
  });
  afterAll(async () => {
    await jira?.close();
    await database?.drop();
    await rm(dir, { recursive: true, force: true });
  });

  async function shipmate(yaml: string, env: Record<string, string>, ...args: string[]) {
    await writeFile(join(dir, 'shipmate.yaml'), yaml);
    const places = { DATABASE_URL: database.url, JIRA_API_URL: jira.apiUrl, JIRA_AUTH_URL: jira.authUrl };
    const whole = { PATH: process.env.PATH, HOME: dir, NODE_COMPILE_CACHE: compileCache, ...places, ...env };
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        [main, 'connect', 'jira', ...args],
        { cwd: dir, env: whole },
        (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }
  const steps = (stdout: string) => stdout.match(/^(done|next) {2}\d/gm);

  test('at the beginning it says all that there is to do, and opens nothing', async ({ expect }) => {
    const { code, stdout, stderr } = await shipmate('', { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' });
    expect([code, stderr]).toEqual([1, '']);
    expect(steps(stdout)).toEqual(['next  1', 'next  2', 'next  3', 'next  4']);
    for (const words of [
      ...scopes,
      'manage:jira-webhook',
      'Service accounts',
      'Assignable user',
      '/oauth/jira/callback',
    ])
      expect(stdout).toContain(words);
    for (const words of ['asked every 15 s', '/webhooks/jira', 'Comment: created', 'JIRA_WEBHOOK_SECRET'])
      expect(stdout).toContain(words);
  });

  test('by token it is set with or without an address; a token that is refused is told, and none is shown', async ({
    expect,
  }) => {
    const whole = await shipmate(`http: { publicUrl: "${publicUrl}" }`, {
      ...byToken,
      JIRA_WEBHOOK_SECRET: webhookSecret,
    });
    expect([whole.code, steps(whole.stdout)]).toEqual([0, ['done  1', 'done  2', 'done  3', 'done  4']]);
    expect(whole.stdout).toContain('is connected as "Shipmate"; projects: ENG.');
    expect(whole.stdout).toContain(`URL: ${publicUrl}/webhooks/jira`);
    expect(whole.stdout).not.toMatch(/ATATT|the-secret/);
    const refused = await shipmate('', { ...byToken, JIRA_API_TOKEN: 'ATATT-another' });
    expect([refused.code, refused.stdout.match(/asked every 15 s/g)?.length]).toEqual([1, 1]);
    expect(refused.stdout).toMatch(/^next {2}4.*\n.*does not accept our credentials\.\n.*JIRA_EMAIL is the address/m);
    expect(refused.stdout).not.toContain('ATATT');
  });

  test('--check leaves no ticket behind; of two sites one is named', async ({ expect }) => {
    const { code, stdout } = await shipmate('', byToken, '--check');
    expect(stdout.match(/^\w+ +[\w-]+/gm)).toEqual(
      expect.arrayContaining(['ok       ticket', 'ok       comment', 'ok       clean-up']),
    );
    expect(stdout).toMatch(/^ok +webhooks +none are needed.*15 s[\s\S]*Jira works\./m);
    expect([code, jira.site.issues.size]).toEqual([0, 0]);
    const other = await jira.addSite({ name: 'globex' });
    const [bot] = jira.site.users;
    if (bot) other.users.push(bot);
    jira.oauth.tokens[0]?.sites.push(other);
    const both = { ...byToken, JIRA_BASE_URL: `${jira.site.url},${other.url}` };
    const several = await shipmate('', both, '--check');
    expect([several.code, several.stderr]).toEqual([1, expect.stringMatching(/Several sites.*--site/)]);
    const named = await shipmate('', both, '--check', '--site', new URL(jira.site.url).host);
    expect([named.code, named.stdout]).toEqual([0, expect.stringContaining('Jira works.')]);
    jira.expectClean();
    const wrong = { ...byToken, JIRA_API_TOKEN: 'ATATT-another' };
    const refused = await shipmate('', wrong, '--check');
    expect([refused.code, refused.stdout]).toEqual([
      1,
      expect.stringMatching(/credentials\n.*JIRA_EMAIL is the address/),
    ]);
  });

  test('by OAuth it prints the page that the account opens', async ({ expect }) => {
    const { clientId, clientSecret } = jira.oauth.addApp({ redirectUris: [`${publicUrl}/oauth/jira/callback`] });
    const { code, stdout } = await shipmate(
      `http: { publicUrl: "${publicUrl}" }\ntrackers: { jira: { install: true } }`,
      { JIRA_CLIENT_ID: clientId, JIRA_CLIENT_SECRET: clientSecret },
    );
    expect([code, steps(stdout)]).toEqual([1, ['done  1', 'done  2', 'done  3', 'next  4']]);
    expect(stdout).toContain(`${jira.authUrl}/authorize?audience=api.atlassian.com`);
    expect(stdout).toMatch(/webhooks, which it registers and renews by itself/);
    expect(stdout).not.toContain(clientSecret);
  });
});
