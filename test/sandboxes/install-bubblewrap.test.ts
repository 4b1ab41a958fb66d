import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { findProgram } from '../../src/sandboxes/toolchains.ts';

const file = new URL('../../bin/install-bubblewrap.mjs', import.meta.url).pathname;
const present = await findProgram('bwrap', '/usr/bin:/bin:/usr/local/bin');

/** On a machine without bubblewrap: its /usr/bin/bwrap is covered, in a mount namespace of its own. */
const ask = (env: Record<string, string>) => {
  const code = `import(${JSON.stringify(file)}).then(async ({ ensureBubblewrap }) =>
    console.log(JSON.stringify(await ensureBubblewrap({ env: ${JSON.stringify(env)}, log: console.error }))))`;
  const hide = `mount --bind /dev/null ${present} && exec "$@"`;
  const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', hide, 'sh', process.execPath, '-e', code], {
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(stderr);
  return { answer: JSON.parse(stdout) as unknown, stderr };
};

it.skipIf(present === null)('finds what is there', async () => {
  const { ensureBubblewrap } = await import(file);
  expect(await ensureBubblewrap({ env: {}, log: () => {} })).toBe('present');
});

it.skipIf(present === null || process.getuid?.() !== 0)(
  'installs nothing when told not to, and says what is missing',
  () => {
    const { answer, stderr } = ask({ SHIPMATE_NO_INSTALL: '1' });
    expect(answer).toEqual({ missing: 'bubblewrap is not installed, and SHIPMATE_NO_INSTALL is set.' });
    expect(stderr).toBe('');
  },
);
