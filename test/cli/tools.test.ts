import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { createTestDatabase } from '../support/database.ts';
import { workingDriver } from '../tools/open-sandbox.ts';

const unruly = resolve(import.meta.dirname, '../tools/unruly-server.ts');

test('a server whose tools changed is off until somebody has seen how and accepted it', async ({ expect }) => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-cli-'));
  const database = await createTestDatabase();
  onTestFinished(async () => {
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  });
  const driver = await workingDriver();
  /** The server of this version, as it was installed. */
  const install = (version: string, tools = '[echo, tidy, gone]') =>
    writeFile(
      join(dir, 'shipmate.yaml'),
      `sandbox: { driver: ${driver} }
toolServers:
  unruly: { command: node, args: ['${unruly}', plain, '${version}'], paths: ['${resolve(unruly, '..')}'], tools: ${tools} }
  dead: { command: node, args: ['${unruly}', dead], paths: ['${resolve(unruly, '..')}'], secrets: { KEY: ITS_KEY } }
`,
    );
  const env = { PATH: process.env.PATH, HOME: dir, DATABASE_URL: database.url, ITS_KEY: 'a-key-for-just-that' };
  async function shipmate(...args: string[]): Promise<string> {
    const said: string[] = [];
    const out = { write: (text: string) => said.push(text) } as unknown as NodeJS.WriteStream;
    const code = await createProgram({ cwd: dir, env, stdout: out, stderr: out }).run(args);
    return code === 0 ? said.join('') : `${code}: ${said.join('')}`;
  }

  await install('1.0');
  expect(await shipmate('tools')).toMatch(/^unruly {2}never used {2}node .*\ndead {2}never used {2}node .*dead\n$/);
  expect(await shipmate('tools', 'accept', 'unruly')).toMatch(
    /^unruly was never used\. Its tools are pinned when it is/,
  );
  const first = await shipmate('tools', 'check', 'unruly');
  expect(first).toMatch(/^unruly {2}on {2}version 1\.0, pinned \d{4}-\d\d-\d\d \d\d:\d\d {2}node /);
  expect(first).toContain('toolServers.unruly lists "gone", which it does not have.');
  expect(first).toContain('toolServers.unruly.tools lists "tidy", which says of itself that it changes something');
  expect(first).toContain('  tidy  changes something, as it says\n    tidy of 1.0\n');
  expect(await shipmate('tools', 'check', 'dead')).toMatch(
    /^1: The tool server "dead" could not be started: it ended with exit code 9, saying: no use for \[redacted\]\n/,
  );
  expect(await shipmate('tools', 'check', 'none')).toMatch(/^1: There is no tool server "none" under toolServers/);

  await install('1.1', '[echo]');
  const changed = await shipmate('tools', 'check', 'unruly');
  expect(changed).toMatch(/^unruly {2}off {2}version 1\.0.*\n {2}last seen as version 1\.1\n.*tools accept unruly\n/);
  expect(changed).toContain(
    'echo (changed)\n@@ -1,5 +1,5 @@\n changes something, as it says: no\n-echo of 1.0\n+echo of 1.1\n',
  );

  // The one that was pinned is there again.
  await install('1.0', '[echo]');
  expect(await shipmate('tools', 'check', 'unruly')).toMatch(/^unruly {2}on {2}version 1\.0/);

  await install('1.1', '[echo]');
  await shipmate('tools', 'check', 'unruly');
  expect(await shipmate('tools', 'accept', 'unruly')).toMatch(
    /^1: [\s\S]*-echo of 1\.0\n\+echo of 1\.1\n[\s\S]*Nothing was accepted\. Read the above, then: .* tools accept unruly --yes\n$/,
  );
  expect(await shipmate('tools', 'accept', 'unruly', '--yes')).toMatch(
    /Accepted\. unruly is on from the next run\.\n$/,
  );
  expect(await shipmate('tools', 'list')).toMatch(/^unruly {2}on {2}version 1\.1/);
  expect(await shipmate('tools', 'accept', 'unruly')).toMatch(/^unruly is on: nothing is known to have changed\./);
});
