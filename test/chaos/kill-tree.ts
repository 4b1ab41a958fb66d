import { readdir, readFile } from 'node:fs/promises';

/**
 * Kills a process, and then all that descends from it, as the end of its machine or container would. Sandboxed commands end
 * with their worker by themselves; those of the driver `none` would go on in a workspace that is somebody else's by then.
 */
export async function killTree(pid: number): Promise<void> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    const parent = stat.split(') ')[1]?.split(' ')[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const tree = [pid];
  for (const each of tree) for (const [child, parent] of parents) if (parent === each) tree.push(child);
  for (const each of tree) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
}
