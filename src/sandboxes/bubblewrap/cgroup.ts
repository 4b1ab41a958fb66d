import { access, constants, mkdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { abandonedSandboxNames, newSandboxName } from '../scratch.ts';
import { killHard } from './kill.ts';

export interface Limits {
  memoryBytes: number | null;
  processes: number | null;
}

/** Where groups with a memory and a process limit can be made. */
export type CgroupHome = { version: 2; dir: string } | { version: 1; memory: string; pids: string };

export interface Cgroup {
  /** A process that writes 0 to each is in. */
  files: string[];
  /** Call it when no process is left. */
  remove(): Promise<void>;
}

/** Looks for a place where this process may make limited groups; null where there is none. */
export async function findCgroupHome(): Promise<CgroupHome | null> {
  const [mounts, groups] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8').catch(() => ''),
    readFile('/proc/self/cgroup', 'utf8').catch(() => ''),
  ]);
  return (await findVersion2(mounts, groups)) ?? (await findVersion1(mounts, groups));
}

export async function createCgroup(home: CgroupHome, limits: Limits): Promise<Cgroup> {
  const name = await newSandboxName();
  const dirs = home.version === 2 ? [join(home.dir, name)] : [join(home.memory, name), join(home.pids, name)];
  for (const dir of dirs) {
    await mkdir(dir);
  }
  const [memory = '', pids = memory] = dirs;
  if (limits.memoryBytes !== null) {
    if (home.version === 2) {
      await writeFile(join(memory, 'memory.max'), String(limits.memoryBytes));
      // Both are refinements that some kernels leave out.
      await writeFile(join(memory, 'memory.swap.max'), '0').catch(() => {});
      await writeFile(join(memory, 'memory.oom.group'), '1').catch(() => {});
    } else await writeFile(join(memory, 'memory.limit_in_bytes'), String(limits.memoryBytes));
  }
  if (limits.processes !== null) await writeFile(join(pids, 'pids.max'), String(limits.processes));
  return {
    files: dirs.map((dir) => join(dir, 'cgroup.procs')),
    async remove() {
      for (const dir of dirs) await removeGroup(dir);
    },
  };
}

/**
 * Groups that killed services left, with what is still in them. Mostly that is nothing, because bubblewrap dies with the
 * service; but a bubblewrap that is killed before its child has asked to die with it leaves that waiting for it for ever.
 * Where no group can be made nobody can tell whose such a child is: it stays until somebody ends it. It has run nothing of
 * the command, and its command line is that of a `bwrap` whose parent is process 1.
 */
export async function removeAbandoned(home: CgroupHome): Promise<void> {
  for (const dir of home.version === 2 ? [home.dir] : [home.memory, home.pids])
    for (const name of await abandonedSandboxNames(dir))
      await removeGroup(join(dir, name), { kill: true }).catch(() => {}); // the next look tries again
}

/** The kernel lets go of a group a moment after its last process. `kill`: ends those that are in it. */
async function removeGroup(dir: string, { kill = false } = {}): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await rmdir(dir);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || tries === 50) throw error;
      if (kill) await killAll(dir);
      await delay(10);
    }
  }
}

async function killAll(dir: string): Promise<void> {
  const pids = (await readFile(join(dir, 'cgroup.procs'), 'utf8')).split('\n').map(Number);
  // A process that this namespace cannot see is listed as 0; to a signal that would mean our own group.
  for (const pid of pids) if (pid > 0) killHard(pid);
}

/**
 * A group that holds processes cannot limit its children, and ours holds us; so the place is usually an ancestor, the
 * nearest one that has given its children both controllers and that we may move processes within.
 */
async function findVersion2(mounts: string, groups: string): Promise<CgroupHome | null> {
  const own = ownDir(mounts, groups, (line) => / - cgroup2 /.test(line), '');
  if (!own) return null;
  await writeFile(join(own.dir, 'cgroup.subtree_control'), '+memory +pids').catch(() => {});
  for (let dir = own.dir; dir.startsWith(own.mount); dir = dirname(dir))
    if (await canLimit(dir, ['memory.max', 'pids.max'])) return { version: 2, dir };
  return null;
}

async function findVersion1(mounts: string, groups: string): Promise<CgroupHome | null> {
  const own = (controller: string) =>
    ownDir(mounts, groups, (line) => new RegExp(` - cgroup .*\\b${controller}\\b`).test(line), controller);
  const [memory, pids] = [own('memory'), own('pids')];
  if (!memory || !pids) return null;
  const usable = (await canLimit(memory.dir, ['memory.limit_in_bytes'])) && (await canLimit(pids.dir, ['pids.max']));
  return usable ? { version: 1, memory: memory.dir, pids: pids.dir } : null;
}

/** Where the group this process is in can be seen: mount point + (path of the group - what the mount shows of the tree). */
function ownDir(mounts: string, groups: string, isMount: (line: string) => boolean, controller: string) {
  const [, , , root, mount] = mounts.split('\n').find(isMount)?.split(' ') ?? [];
  const path = groups
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, controllers]) => controllers?.split(',').includes(controller))
    ?.slice(2)
    .join(':');
  if (!root || !mount || !path) return null;
  const below = relative(root, path);
  return { mount, dir: below.startsWith('..') ? mount : join(mount, below) };
}

async function canLimit(dir: string, files: string[]): Promise<boolean> {
  const trial = join(dir, await newSandboxName());
  try {
    await access(join(dir, 'cgroup.procs'), constants.W_OK);
    await mkdir(trial);
  } catch {
    return false;
  }
  try {
    for (const file of files) await stat(join(trial, file));
    return true;
  } catch {
    return false;
  } finally {
    await rmdir(trial).catch(() => {});
  }
}
