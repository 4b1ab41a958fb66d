import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Linear, startLinear } from '../stand-ins/linear/server.ts';
import { addTeam } from '../stand-ins/linear/workspace.ts';
import { compileCache } from '../support/compile-cache.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService } from '../support/service.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const publicUrl = 'https://shipmate.example.com';
const callback = `${publicUrl}/oauth/linear/callback`;

describe('shipmate connect linear', { timeout: 120_000 }, () => {
  let dir: string;
  let database: TestDatabase;
  let linear: Linear;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-connect-'));
    [database, linear] = await Promise.all([createTestDatabase(), startLinear({ app: { redirectUris: [callback] } })]);
    addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' });
  });
  afterAll(async () => {
    await linear?.close();
    await database?.drop();
    await rm(dir, { recursive: true, force: true });
  });

  const app = () => ({
    LINEAR_API_URL: linear.url,
    LINEAR_CLIENT_ID: 'linear-client-id',
    LINEAR_CLIENT_SECRET: 'linear-client-secret',
    LINEAR_WEBHOOK_SECRET: 'the-signing-secret-of-the-app',
  });

  async function shipmate(yaml: string, env: Record<string, string>, ...args: string[]) {
    await writeFile(join(dir, 'shipmate.yaml'), yaml);
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const whole = {
        PATH: process.env.PATH,
        HOME: dir,
        DATABASE_URL: database.url,
        NODE_COMPILE_CACHE: compileCache,
        ...env,
      };
      const child = execFile(
        process.execPath,
        [main, 'connect', 'linear', ...args],
        { cwd: dir, env: whole },
        (_, out, err) => resolve({ code: child.exitCode ?? -1, stdout: out, stderr: err }),
      );
    });
  }

  test('at the beginning it says all that there is to do, opens nothing and waits for nobody', async ({ expect }) => {
    const { code, stdout, stderr } = await shipmate('', { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' });
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout.match(/^(done|next) {2}\d/gm)).toEqual(['next  1', 'next  2', 'next  3', 'next  4']);
    for (const word of ['tunnel', 'Agent session events', '/webhooks/linear', 'app:assignable', 'LINEAR_CLIENT_ID'])
      expect(stdout).toContain(word);
  });

  test('set up, it names the workspace and what to try next; no secret is shown', async ({ expect }) => {
    const { code, stdout } = await shipmate(`http: { publicUrl: "${publicUrl}" }`, app());
    expect(stdout.match(/^(done|next) {2}\d/gm)).toEqual(['done  1', 'done  2', 'done  3', 'done  4']);
    expect(stdout).toContain('Acme is connected as "Shipmate"; teams: ENG.');
    expect(stdout).toContain('npm run shipmate -- connect linear --check');
    // The names that the check's remedies speak of.
    for (const word of ['Agent session events', `${publicUrl}/webhooks/linear`, callback, 'app:assignable'])
      expect(stdout).toContain(word);
    expect(stdout).not.toMatch(/linear-client-secret|the-signing-secret|lin_oauth/);
    expect(code).toBe(0);
  });

  test('a secret that is refused is told at its step', async ({ expect }) => {
    const { code, stdout } = await shipmate('', { ...app(), LINEAR_CLIENT_SECRET: 'a-wrong-client-secret' });
    expect(stdout).toMatch(/^next {2}4.*\n.*invalid_client/m);
    expect(stdout).not.toContain('a-wrong-client-secret');
    expect(code).toBe(1);
  });

  test('--check: exit code 1 and the remedy where something is missing, and no ticket is left', async ({ expect }) => {
    const { code, stdout } = await shipmate('', app(), '--check', '--wait', '0');
    expect(stdout).toMatch(/^ok\s+activity/m);
    expect(stdout).toMatch(/^missing\s+webhooks\s+none arrived.*\n\s+Set http\.publicUrl/m);
    expect(stdout).toMatch(/^ok\s+clean-up\s+ENG-1 was archived/m);
    expect(code).toBe(1);
    const off = await shipmate('', {}, '--check');
    expect([off.code, off.stderr]).toEqual([1, expect.stringContaining('Linear is off')]);
  });

  test('an installation begins in the terminal and ends at the running service', async ({ expect }) => {
    const service = await startTestService({
      parts: ['listen'],
      files: {},
      databaseUrl: () => database.url,
      env: app(),
      change(config) {
        const { trackers } = config;
        return {
          ...config,
          trackers: { ...trackers, linear: trackers.linear && { ...trackers.linear, install: true } },
        };
      },
    });
    try {
      const yaml = `http: { publicUrl: "${publicUrl}" }\ntrackers: { linear: { install: true } }`;
      const begun = await shipmate(yaml, app());
      expect(begun.code).toBe(1);
      const page = /https?:\S+\/oauth\/authorize\S+/.exec(begun.stdout)?.[0] ?? '';
      const consented = await fetch(page, { redirect: 'manual' });
      const answer = new URL(consented.headers.get('location') ?? '');
      expect(`${answer.origin}${answer.pathname}`).toBe(callback);
      const back = `${service.url}/oauth/linear/callback${answer.search}`;
      const [first, again] = [await fetch(back), await fetch(back)];
      expect([first.status, await first.text()]).toEqual([200, expect.stringContaining('a member of Acme')]);
      expect([again.status, await again.text()]).toEqual([400, expect.stringContaining('was used already')]);
      expect((await fetch(`${service.url}/oauth/github/callback`)).status).toBe(404);
      const done = await shipmate(yaml, app());
      expect(done.stdout).toContain('Acme is connected as "Shipmate"');
      expect(done.code).toBe(0);
    } finally {
      await service.stop();
    }
  });
});
