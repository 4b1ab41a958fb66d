import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

describe('what is wrong when a command starts', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-cli-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  function run(args: string[], env: Record<string, string> = {}) {
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const options = {
        cwd: dir,
        env: { PATH: process.env.PATH, HOME: dir, NODE_COMPILE_CACHE: compileCache, ...env },
        timeout: 20_000,
      };
      const child = execFile(process.execPath, [main, ...args], options, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  test('unknown keys, wrong types and a secret in shipmate.yaml: all of it at once, exit code 2', async ({
    expect,
  }) => {
    const file = join(dir, 'shipmate.yaml');
    const secret = 'sk-ant-0123456789abcdef';
    await writeFile(
      file,
      `http: { port: high }\nbudget: { turn: 10 }\nmodels: { apiKey: ${secret} }\nrepositories: { web: {} }\n`,
    );
    const { code, stdout, stderr } = await run(['start']);
    expect(stderr).toBe(
      `There are 4 problems with the configuration (${file} and the environment):
  - line 1: http.port must be a port (0: any free one), but is "high".
  - line 2: budget.turn is not a known key. Did you mean budget.turns?
  - line 3: models.apiKey holds a secret. Secrets belong in the environment, as ANTHROPIC_API_KEY: delete the key here, and replace the secret if this file was ever shared.
  - line 4: repositories.web.path is missing. Set it to a path (or \`url\` in its place).
`,
    );
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toContain(secret);
    await rm(file);
  });

  test.for([
    ['nobody listens', 'postgresql://ada:hush-hush-hush@127.0.0.1:1/shipmate', 'connect ECONNREFUSED 127.0.0.1:1'],
    ['no such socket', 'postgresql://ada@localhost/shipmate?host=/nowhere', 'connect ENOENT /nowhere/.s.PGSQL.5432'],
  ])('a database that is gone: %s', async ([, url, why], { expect }) => {
    for (const command of [['start'], ['tickets', 'list']]) {
      const { code, stdout, stderr } = await run(command, { DATABASE_URL: url ?? '' });
      expect(stderr).toBe(
        `The database of DATABASE_URL cannot be used: ${why}. Check that it runs and that the URL is right.\n`,
      );
      expect([code, stdout]).toEqual([1, '']);
    }
    expect(await readdir(dir)).toEqual([]);
  });

  test('an environment variable that is no URL', async ({ expect }) => {
    const { code, stderr } = await run(['start'], { DATABASE_URL: 'hush-hush-hush' });
    expect(stderr).toContain('DATABASE_URL must be a URL such as postgresql://user:password@host:5432/shipmate');
    expect(stderr).not.toContain('hush-hush-hush');
    expect(code).toBe(2);
  });
});
