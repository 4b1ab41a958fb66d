import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, cp, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check } from '../../src/core/check.ts';
import { createSandboxDriver, type SandboxOptions } from '../../src/sandboxes/index.ts';
import type { SandboxDriver } from '../../src/sandboxes/sandbox.ts';

const system = '/usr/local/bin:/usr/bin:/bin';

export function createTestDriver(kind: string, options: Partial<SandboxOptions> = {}): SandboxDriver {
  return createSandboxDriver({
    kind,
    options: {
      uid: 65534,
      readOnlyPaths: [],
      limits: { memoryBytes: 256 * 1024 * 1024, processes: 100 },
      searchPath: system,
      tempDir: tmpdir(),
      ...options,
    },
  });
}

/** Why bubblewrap cannot be tested here; null when it can. */
export async function whyNoBubblewrap(): Promise<string | null> {
  const broken = (await createTestDriver('bubblewrap').probe()).find((check) => check.status === 'missing');
  return broken ? `${broken.message} ${broken.remedy ?? ''}` : null;
}

export interface UnprivilegedReport {
  checks: Check[];
  owner: { uid: number; gid: number };
  status: string;
  written: string;
  ended: string;
  killed: string | null;
  left: string[];
  /** What a host that may be reached answered. */
  reached: string;
  error?: string;
}

export interface Room {
  dir: string;
  /** `wrap` comes before `node`: it changes user, enters namespaces. */
  report(wrap: [string, ...string[]]): Promise<UnprivilegedReport>;
  remove(): Promise<void>;
}

/** A directory that any user can read, with our Node.js and what `unprivileged.ts` needs: the clone itself may be private. */
export async function makeRoom(owner: { uid: number; gid: number }): Promise<Room> {
  const dir = await mkdtemp(join(tmpdir(), 'sandbox-user-'));
  await chmod(dir, 0o755);
  const root = new URL('../../', import.meta.url).pathname;
  for (const part of ['src/sandboxes', 'src/core', 'src/lib', 'test/sandboxes'])
    await cp(join(root, part), join(dir, part), { recursive: true });
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  const node = join(dir, 'node');
  await link(process.execPath, node).catch(() => copyFile(process.execPath, node));
  const temp = join(dir, 'temp');
  await mkdir(temp);
  await chown(temp, owner.uid, owner.gid);
  return {
    dir,
    async report([command, ...args]) {
      const child = spawn(command, [...args, node, join(dir, 'test/sandboxes/unprivileged.ts'), temp], {
        cwd: '/',
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: temp },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      await once(child, 'close');
      const said = Buffer.concat(stdout).toString();
      if (!said.startsWith('{')) throw new Error(`${command} failed: ${Buffer.concat(stderr)}`);
      return JSON.parse(said) as UnprivilegedReport;
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
