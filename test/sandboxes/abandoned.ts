import { createTestDriver } from './support.ts';

/** Runs a command in a sandbox for ever; its parent kills this process. Arguments: temporary directory, duration. */
const [tempDir = '', seconds = ''] = process.argv.slice(2);
const driver = createTestDriver('bubblewrap', { tempDir });
const sandbox = await driver.open({ mounts: [], env: {}, cwd: '/', network: 'none' });
await sandbox.exec(['sh', '-c', `setsid sleep ${seconds} & echo running; sleep ${seconds}`], {
  signal: new AbortController().signal,
  limits: { timeoutMs: 60_000, maxOutputBytes: 1000 },
  onOutput: (chunk) => void process.stdout.write(chunk),
});
