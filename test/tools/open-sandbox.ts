import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandboxDriver, type SandboxKind } from '../../src/sandboxes/index.ts';
import type { Sandbox, SandboxDriver } from '../../src/sandboxes/sandbox.ts';

export interface Opened {
  driver: SandboxDriver;
  sandbox: Sandbox;
  /** A directory of the host that is writable inside, at the same path. */
  dir: string;
  close(): Promise<void>;
}

export async function openSandbox(kind: SandboxKind): Promise<Opened> {
  const root = await mkdtemp(join(tmpdir(), 'shipmate-tools-'));
  const driver = createSandboxDriver({
    kind,
    options: {
      uid: 65534,
      readOnlyPaths: [],
      limits: { memoryBytes: null, processes: null },
      searchPath: process.env.PATH ?? '',
      tempDir: root,
    },
  });
  const dir = join(root, 'work');
  await mkdir(dir);
  if (process.getuid?.() === 0) {
    await chown(root, driver.owner.uid, driver.owner.gid);
    await chown(dir, driver.owner.uid, driver.owner.gid);
  }
  const sandbox = await driver.open({ mounts: [{ path: dir, writable: true }], env: {}, cwd: dir, network: 'none' });
  return {
    driver,
    sandbox,
    dir,
    async close() {
      await sandbox.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** bubblewrap where it works; `none` elsewhere, and that is said, so that it does not pass for the real thing. */
export async function workingDriver(): Promise<SandboxKind> {
  const failed = await tryBubblewrap().catch((error: Error) => error.message);
  if (failed === null) return 'bubblewrap';
  process.stderr.write(`tools are tested without a sandbox: ${failed}\n`);
  return 'none';
}

async function tryBubblewrap(): Promise<string | null> {
  const opened = await openSandbox('bubblewrap');
  const limits = { timeoutMs: 5_000, maxOutputBytes: 1_000 };
  try {
    const result = await opened.sandbox.exec(['true'], { signal: new AbortController().signal, limits });
    return result.exitCode === 0 ? null : Buffer.from(result.stderr).toString();
  } finally {
    await opened.close();
  }
}
