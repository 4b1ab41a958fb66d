import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { parseEnv } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';

const publicUrl = 'https://shipmate.example.com';

describe('shipmate connect github', { timeout: 120_000 }, () => {
  let dir: string;
  let github: GitHub;
  beforeAll(async () => {
    github = await startGitHub();
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-connect-github-'));
  });
  afterEach(async () => {
    github.faults.clear();
    github.expectClean();
    await rm(dir, { recursive: true, force: true });
  });
  afterAll(() => github?.close());

  /** The command while it runs; `line` waits for what it prints. */
  async function shipmate(yaml: string, env: Record<string, string>, ...args: string[]) {
    await writeFile(join(dir, 'shipmate.yaml'), yaml);
    let text = '';
    const printed = new PassThrough();
    printed.on('data', (chunk) => (text += chunk));
    const out = printed as unknown as NodeJS.WriteStream;
    const surroundings = {
      cwd: dir,
      env: { HOME: dir, GITHUB_API_URL: github.apiUrl, ...env },
      stdout: out,
      stderr: out,
    };
    const ended = createProgram(surroundings).run(['connect', 'github', ...args]);
    return {
      ended: ended.then((code) => ({ code, text })),
      async line(pattern: RegExp): Promise<string> {
        await expect.poll(() => text, { timeout: 30_000 }).toMatch(pattern);
        return pattern.exec(text)?.[0] ?? '';
      },
    };
  }

  /** What a person does in a browser: opens the page, presses the button, and is sent back. */
  async function press(page: string): Promise<{ manifest: Record<string, unknown>; back: string }> {
    const html = await (await fetch(page)).text();
    const plain = (text = '') => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
    const action = plain(/action="([^"]+)"/.exec(html)?.[1]);
    const manifest = plain(/value="([^"]+)"/.exec(html)?.[1]);
    const answer = await fetch(action, { method: 'POST', body: new URLSearchParams({ manifest }), redirect: 'manual' });
    expect(answer.status, await answer.text()).toBe(302);
    return { manifest: JSON.parse(manifest), back: answer.headers.get('location') ?? '' };
  }

  const page = /http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}/;

  test('makes an App: a page, a press of a button, keys in a file, an installation', async () => {
    const run = await shipmate(`http: { publicUrl: "${publicUrl}" }`, {}, '--org', 'acme', '--out', 'keys/app.env');
    const { manifest, back } = await press(await run.line(page));
    expect(manifest).toMatchObject({
      name: 'shipmate-acme',
      public: false,
      hook_attributes: { url: `${publicUrl}/webhooks/github`, active: true },
      default_permissions: {
        contents: 'write',
        pull_requests: 'write',
        issues: 'write',
        checks: 'read',
        actions: 'read',
      },
    });
    const forged = new URL(back);
    forged.searchParams.set('state', 'x'.repeat(32));
    expect((await fetch(forged)).status).toBe(400);
    const { origin } = new URL(back);
    expect((await fetch(origin)).status).toBe(404);
    expect(await (await fetch(back)).text()).toContain(`${github.url}/apps/shipmate-acme/installations/new`);
    await run.line(/next.*3\. Its installation/);
    github.apps.install(github.addUser('acme', 'Organization'));
    const { code, text } = await run.ended;
    expect(text).toMatch(/done.*3\. Its installation\n.*installation acme: on all repositories/);
    expect(code).toBe(0);

    const file = join(dir, 'keys/app.env');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const env = parseEnv(await readFile(file, 'utf8')) as Record<string, string>;
    expect(Object.keys(env).toSorted()).toEqual([
      'GITHUB_API_URL',
      'GITHUB_APP_ID',
      'GITHUB_PRIVATE_KEY',
      'GITHUB_WEBHOOK_SECRET',
    ]);
    for (const name of ['GITHUB_PRIVATE_KEY', 'GITHUB_WEBHOOK_SECRET']) expect(text).not.toContain(env[name]);
    expect(text).not.toContain('PRIVATE KEY-----');

    const walked = await (await shipmate(`http: { publicUrl: "${publicUrl}" }`, env)).ended;
    expect(walked.text.match(/^(done|next) {2}\d/gm)).toEqual(['done  1', 'done  2', 'done  3']);
    expect([walked.code, walked.text]).toEqual([0, expect.stringContaining('connect github --check')]);
    const again = await (await shipmate('', {}, '--out', 'keys/app.env')).ended;
    expect([again.code, again.text]).toEqual([
      1,
      expect.stringMatching(/app\.env is there already\. If its keys are of this service/),
    ]);
  });

  test('without an address it asks for no webhooks; a code that was used leaves no file', async () => {
    const run = await shipmate('', {});
    const { manifest, back } = await press(await run.line(page));
    expect(manifest).toMatchObject({ hook_attributes: { active: false }, default_events: [] });
    const code = new URL(back).searchParams.get('code');
    await fetch(`${github.apiUrl}/app-manifests/${code}/conversions`, { method: 'POST' });
    expect(await (await fetch(back)).text()).toContain('the terminal says why');
    const { code: exit, text } = await run.ended;
    expect([exit, text]).toEqual([1, expect.stringMatching(/GitHub answered 404; the code was used already/)]);
    await expect(stat(join(dir, '.shipmate/github.env'))).rejects.toThrow(/ENOENT/);
  });

  test('--token says how, and nothing is opened', async () => {
    const { code, text } = await (await shipmate('', {}, '--token')).ended;
    expect([code, text]).toEqual([1, expect.stringContaining('export GITHUB_TOKEN=...')]);
    const off = await (await shipmate('', {}, '--check')).ended;
    expect([off.code, off.text]).toEqual([1, expect.stringContaining('GitHub is off')]);
  });

  describe('--check', () => {
    const app = () => ({
      GITHUB_APP_ID: String(github.apps.app.id),
      GITHUB_PRIVATE_KEY: github.apps.app.privateKey,
      GITHUB_WEBHOOK_SECRET: 'github-webhook-secret',
    });
    const lines = (text: string) =>
      [...text.matchAll(/^(ok|warning|missing) +(\S.*?) {2}/gm)].map(([, status, name]) => `${status} ${name}`);
    const all = {
      contents: 'write',
      pull_requests: 'write',
      issues: 'write',
      checks: 'read',
      actions: 'read',
      statuses: 'read',
      deployments: 'read',
      metadata: 'read',
    } as const;

    beforeEach(() => {
      const { apps } = github;
      apps.installations.splice(0);
      github.repositories.splice(0);
      github.outbox.log.splice(0);
      const events = [
        'issues',
        'issue_comment',
        'sub_issues',
        'issue_dependencies',
        'repository',
        'pull_request',
        'pull_request_review',
        'pull_request_review_comment',
        'pull_request_review_thread',
        'check_run',
        'check_suite',
        'workflow_run',
        'status',
        'deployment_status',
        'push',
      ];
      const owner = github.addUser('acme-admins', 'Organization');
      Object.assign(apps.app, {
        owner,
        slug: 'shipmate',
        permissions: { ...all },
        events,
        webhookSecret: 'github-webhook-secret',
        webhookUrl: null,
      });
    });

    test('all is well: a webhook that GitHub sends again comes through', async () => {
      const repository = await github.addRepository('acme/web');
      const installation = github.apps.install(repository.owner);
      const seen: string[] = [];
      let status = 200;
      const receiver = createServer((request, response) => {
        seen.push(String(request.headers['x-github-event']));
        response.writeHead(status).end();
      });
      receiver.listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      onTestFinished(() => void receiver.close());
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks/github`;
      github.apps.app.webhookUrl = url;
      github.emit('installation', 'created', { sender: repository.owner, installation, payload: { repositories: [] } });
      await github.outbox.settled();
      const yaml = `http: { publicUrl: "${publicUrl}" }\nrepositories: { web: { url: "ssh://git@127.0.0.1/acme/web.git" } }`;
      // The address that people reach is not this machine's in a test: then where they go is told.
      const elsewhere = await (await shipmate(yaml, app(), '--check')).ended;
      expect(elsewhere.text).toMatch(
        /missing\s+webhooks\s+they go to http:\/\/127\.0\.0\.1:\d+\/webhooks\/github, not to https:\/\/shipmate\.example\.com\/webhooks\/github/,
      );
      const { code, text } = await (await shipmate(yaml.replace(/^.*\n/, 'github: { poll: off }\n'), app(), '--check'))
        .ended;
      expect(lines(text)).toEqual([
        'ok key',
        'ok clock',
        'ok permissions',
        'ok events',
        'ok installation acme',
        'ok repository web',
        'ok limits of acme',
        'ok webhooks',
      ]);
      expect(text).toContain('GitHub works.');
      expect([code, seen]).toEqual([0, ['installation', 'installation']]);

      status = 401;
      const unsigned = await (await shipmate(yaml.replace(/^.*\n/, 'github: { poll: off }\n'), app(), '--check')).ended;
      expect([unsigned.code, unsigned.text]).toEqual([
        1,
        expect.stringMatching(
          /missing\s+webhooks\s+one arrived, but its signature does not match\n\s+GITHUB_WEBHOOK_SECRET/,
        ),
      ]);
    });

    test('each thing that is missing is named, with what to do', async () => {
      const repository = await github.addRepository('acme/old');
      const installation = github.apps.install(repository.owner);
      installation.permissions = { ...all, pull_requests: 'read' };
      const { app: made } = github.apps;
      made.permissions = { ...all, checks: 'read', statuses: undefined } as never;
      made.events = made.events.filter((event) => !['check_run', 'sub_issues'].includes(event));
      repository.isArchived = true;
      repository.isPrivate = true;
      (await github.addRepository('acme/named')).formerNames.push('acme/before');
      (await github.addRepository('acme/signed')).rulesets.push({
        id: 1,
        name: 'all',
        include: ['~ALL', 'refs/heads/shipmate/check'],
        rules: [{ type: 'required_signatures' }],
      });
      const other = await github.addRepository('other/kept', { isPrivate: true } as never);
      github.apps.install(other.owner, []).suspendedAt = '2026-01-01T00:00:00Z';
      const named = ['old', 'before', 'signed'].map(
        (name) => `  ${name}: { url: "ssh://git@127.0.0.1/acme/${name}.git" }`,
      );
      const yaml = [
        'github: { poll: off }',
        'repositories:',
        ...named,
        '  kept: { url: "ssh://git@127.0.0.1/other/kept" }',
      ].join('\n');
      const { code, text } = await (await shipmate(yaml, app(), '--check')).ended;
      for (const told of [
        /missing\s+permissions\s+the App lacks statuses: read\n\s+Grant them at http.*\/organizations\/acme-admins\/settings\/apps\/shipmate/,
        /missing\s+events\s+the App is not told of check_run\n/,
        /missing\s+installation acme\s+it has not granted pull_requests: write\n\s+Accept.*settings\/installations/,
        /missing\s+installation other\s+it is suspended.*\n\s+Unsuspend it: http.*settings\/installations/,
        /missing\s+repository old\s+acme\/old is archived/,
        /missing\s+repository before\s+acme\/before is called acme\/named now/,
        /warning\s+repository signed\s+rules of acme\/signed hold.*cannot sign/,
        /missing\s+repository kept\s+The GitHub App is not installed on other\/kept, or there is no.*installations\/new/,
        /missing\s+webhooks\s+the App has no webhook/,
        /GitHub does not work yet/,
      ])
        expect(text).toMatch(told);
      expect(code).toBe(1);
    });

    test('an installation is needed, and the right id', async () => {
      const { app: made } = github.apps;
      made.events = made.events.filter((event) => event !== 'sub_issues');
      const told = await (await shipmate('github: { poll: off }', app(), '--check')).ended;
      expect(told.text).toMatch(/warning\s+events\s+the App is not told of sub_issues, so .* minutes later/);
      const polled = await (await shipmate('', app(), '--check')).ended;
      expect(polled.text).toMatch(/missing\s+installation\s+the App is installed nowhere/);
      expect(polled.text).toMatch(/ok\s+webhooks\s+not used: GitHub is asked every 15 s/);
      const wrong = await (await shipmate('', { ...app(), GITHUB_APP_ID: '1' }, '--check')).ended;
      expect(wrong.text).toMatch(/missing\s+key\s+GitHub knows no App of that id\n\s+Correct GITHUB_APP_ID/);
      expect([polled.code, wrong.code]).toEqual([1, 1]);
    });

    test('a token is of a user, and sees what that user sees', async () => {
      const repository = await github.addRepository('acme/web');
      const mate = github.addUser('mate');
      repository.levels.set('mate', 'write');
      const yaml = 'repositories: { web: { url: "ssh://git@127.0.0.1/acme/web" } }';
      const { code, text } = await (await shipmate(yaml, { GITHUB_TOKEN: github.apps.personalToken(mate) }, '--check'))
        .ended;
      expect(text).toMatch(/ok\s+token\s+it is of mate/);
      expect(text).toMatch(/ok\s+repository web\s+acme\/web, from main/);
      expect(code).toBe(0);
      for (const [scopes, told] of [
        ['gist', /missing\s+token\s+it lacks the scope "repo"/],
        ['', /warning\s+token\s+it is fine-grained: GitHub shows it no checks/],
      ] as const) {
        const headers = {
          'x-oauth-scopes': scopes,
          'github-authentication-token-expiration': '2020-01-01 00:00:00 UTC',
        };
        const action = { type: 'status', status: 200, commit: 'before', body: { login: 'mate' }, headers } as const;
        github.faults.add({ operation: 'users/get-authenticated', action });
        const odd = await (await shipmate(yaml, { GITHUB_TOKEN: github.apps.personalToken(mate) }, '--check')).ended;
        github.faults.clear();
        expect(odd.text).toMatch(told);
        expect(odd.text).toMatch(/warning\s+token\s+it is of mate, and ends in -\d+ days/);
      }
      const gone = await (await shipmate(yaml, { GITHUB_TOKEN: 'ghp_of-nobody-at-all' }, '--check')).ended;
      expect([gone.code, gone.text]).toEqual([
        1,
        expect.stringMatching(/missing\s+token\s+GitHub does not let us in: Bad credentials\. Set GITHUB_TOKEN/),
      ]);
    });
  });
});
