import { expect, it } from 'vitest';
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

it('knows the drivers by name only', () => {
  expect(() => createTestDriver('docker')).toThrow(
    'There is no sandbox driver "docker". The drivers are: bubblewrap, none.',
  );
  expect(() => createTestDriver('toString')).toThrow('no sandbox driver');
});
