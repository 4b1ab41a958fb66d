import { randomBytes } from 'node:crypto';
import { opendirSync, rmdirSync, rmSync } from 'node:fs';
import { mkdir, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../lib/is-alive.ts';
import { runProcess } from '../lib/process.ts';

const prefix = 'shipmate-sandbox';

/** A name that tells whose it is, so that what a killed service left behind can be told from what is in use. */
export async function newSandboxName(): Promise<string> {
  return `${prefix}-${await pidNamespace()}-${process.pid}-${randomBytes(6).toString('hex')}`;
}

/** Names in `dir` whose service is gone. A service in another container may share the directory: its names are left alone. */
export async function abandonedSandboxNames(dir: string): Promise<string[]> {
  const ours = `${prefix}-${await pidNamespace()}-`;
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.startsWith(ours));
  return names.filter((name) => !isAlive(Number.parseInt(name.slice(ours.length), 10)));
}

/** A directory that only the service can enter, for one sandbox. */
export async function createScratch(tempDir: string): Promise<string> {
  const dir = join(tempDir, await newSandboxName());
  await mkdir(dir, { mode: 0o700 });
  return dir;
}

/**
 * By `rm` where commands left something, because that can be trees deeper than a path may be long, and directories without
 * permissions.
 */
export async function removeScratch(dir: string): Promise<void> {
  if (removeUnused(dir)) return;
  const remove = ['rm', '-rf', '--one-file-system', '--', dir] as [string, ...string[]];
  if ((await runProcess(remove)).exitCode === 0) return;
  await runProcess(['chmod', '-R', 'u+rwX', '--', dir]);
  const { exitCode, stderr } = await runProcess(remove);
  if (exitCode !== 0) throw new Error(`${dir} cannot be removed: ${stderr.slice(0, 300)}`);
}

/** Mostly it is as it was made, and then gone sooner than a process for that has started. */
function removeUnused(dir: string): boolean {
  try {
    rmSync(join(dir, 'etc'), { recursive: true, force: true });
    rmdirSync(join(dir, 'home'));
    const tmp = opendirSync(join(dir, 'tmp'));
    try {
      // Where mounts stood. The first that holds something ends it, however much more there is.
      for (let at = tmp.readSync(); at !== null; at = tmp.readSync()) rmdirSync(join(dir, 'tmp', at.name));
    } finally {
      tmp.closeSync();
    }
    rmdirSync(join(dir, 'tmp'));
    rmdirSync(dir);
    return true;
  } catch {
    return false;
  }
}

/** For what failed after it was made. */
export function removeAfter(dir: string): (error: unknown) => Promise<never> {
  return async (error) => {
    await removeScratch(dir);
    throw error;
  };
}

/** What a killed service left. It does not matter here when some of it cannot be removed. */
export async function removeAbandonedScratch(tempDir: string): Promise<void> {
  const names = await abandonedSandboxNames(tempDir);
  await Promise.allSettled(names.map((name) => removeScratch(join(tempDir, name))));
}

async function pidNamespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? '0';
}
