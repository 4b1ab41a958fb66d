import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newSandboxName } from '../../src/sandboxes/scratch.ts';
import { sandboxContract } from '../contracts/sandbox.ts';
import { createTestDriver } from './support.ts';

sandboxContract('none', () => createTestDriver('none'), {
  movedMounts: 'there is one file system, the host`s',
  readOnlyMounts: 'commands have the rights of the service',
  processesThatLeaveTheirGroup: 'only the process group is known',
});

it('says loudly that it separates nothing', async () => {
  const [check] = await createTestDriver('none').probe();
  expect(check).toMatchObject({ status: 'warning', message: expect.stringContaining('THERE IS NO SANDBOX') });
});

it('refuses to show a directory at another path', async () => {
  const mounts = [{ path: '/tmp', inside: '/elsewhere', writable: false }];
  await expect(createTestDriver('none').open({ mounts, env: {}, cwd: '/', network: 'none' })).rejects.toThrow(
    '/elsewhere',
  );
});

it('removes what a killed service left, once it is used', async ({ onTestFinished }) => {
  const dir = await mkdtemp(join(tmpdir(), 'sandbox-none-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const killed = spawn('true');
  await once(killed, 'exit');
  const ours = await newSandboxName();
  const left = ours.replace(`-${process.pid}-`, `-${killed.pid}-`);
  for (const name of [ours, left]) await mkdir(join(dir, name));
  const driver = createTestDriver('none', { tempDir: dir });
  await (await driver.open({ mounts: [], env: {}, cwd: '/', network: 'none' })).close();
  expect(await readdir(dir)).toEqual([ours]);
});

it('knows the drivers by name only', () => {
  expect(() => createTestDriver('docker')).toThrow(
    'There is no sandbox driver "docker". The drivers are: bubblewrap, none.',
  );
  expect(() => createTestDriver('toString')).toThrow('no sandbox driver');
});
