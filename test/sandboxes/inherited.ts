import { createTestDriver } from './support.ts';

/** Started with descriptor 77 open to a file: prints what a command finds there instead. */
const sandbox = await createTestDriver('bubblewrap').open({ mounts: [], env: {}, cwd: '/', network: 'none' });
const { stdout } = await sandbox.exec(['readlink', '/proc/self/fd/77'], {
  signal: AbortSignal.timeout(20_000),
  limits: { timeoutMs: 10_000, maxOutputBytes: 10_000 },
});
process.stdout.write(stdout);
await sandbox.close();
