import { text } from 'node:stream/consumers';
import { createSandboxDriver } from '../../src/sandboxes/index.ts';
import { createWorkspaces } from '../../src/workspaces/workspaces.ts';
import { inside } from './fixture.ts';

/** A worker of its own process, for tests that kill it: one workspace is taken, another is in the middle of its set-up. */
const { kind, dir, dataDir, sessionId, request, slow } = JSON.parse(await text(process.stdin));
const driver = createSandboxDriver({
  kind,
  options: {
    uid: 65534,
    readOnlyPaths: [],
    limits: { memoryBytes: null, processes: null },
    searchPath: '/usr/local/bin:/usr/bin:/bin',
    tempDir: `${dir}/tmp`,
  },
});
const workspaces = createWorkspaces({ dataDir, driver, pool: { perRepository: 0 } });
const signal = AbortSignal.timeout(60_000);
const workspace = await workspaces.take({ ...request, sessionId, restore: null }, signal);
await inside(workspace, 'echo left > left.txt');

const watched = createWorkspaces({
  dataDir,
  driver: {
    ...driver,
    open: async (spec) => {
      const sandbox = await driver.open(spec);
      return {
        ...sandbox,
        exec: (argv, options) =>
          sandbox.exec(argv, {
            ...options,
            onOutput: (chunk) => {
              if (Buffer.from(chunk).includes('begun')) console.log('half done');
            },
          }),
      };
    },
  },
  pool: { perRepository: 0 },
});
await watched.take({ ...request, sessionId: 'another', setup: slow, restore: null }, signal);
