import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../src/lib/is-alive.ts';

const kind = 'shipmate-tests';
const spare = 4 * 2 ** 30;

export interface TestDir {
  /** Everything of these tests is to be written here: it is `TMPDIR` from now on. */
  dir: string;
  remove(): Promise<void>;
}

/**
 * A directory for all that tests write. Where this user may mount one, and there is room, it is in memory: tests make and
 * delete some hundred thousand small files, and a slow disk would have them take a third longer.
 * `gigabytes` is how much it may come to.
 */
export async function makeTestDir(gigabytes = 4): Promise<TestDir> {
  await removeAbandoned();
  const dir = await mkdtemp(join(tmpdir(), `${kind}-${process.pid}-`));
  await chmod(dir, 0o755); // some tests are another user's
  const size = gigabytes * 2 ** 30;
  const hasRoom = freemem() > size + spare;
  const isMounted = hasRoom && mount('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, kind, dir]);
  process.env.TMPDIR = dir;
  return { dir, remove: () => (isMounted ? unmount(dir) : rm(dir, { recursive: true, force: true })) };
}

/** What a test run left that was killed. */
async function removeAbandoned(): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  for (const [source, dir = ''] of mounts.split('\n').map((line) => line.split(' '))) {
    const pid = new RegExp(`/${kind}-(\\d+)-`).exec(dir)?.[1];
    if (source === kind && pid !== undefined && !isAlive(Number(pid))) await unmount(dir);
  }
}

async function unmount(dir: string): Promise<void> {
  mount('umount', ['--lazy', dir]);
  await rm(dir, { recursive: true, force: true });
}

function mount(program: 'mount' | 'umount', args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not allowed, as for most users and in most containers
  }
}
