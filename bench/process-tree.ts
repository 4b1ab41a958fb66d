import { readdir, readFile } from 'node:fs/promises';

export interface TreeUse {
  processes: number;
  /** Resident, shared pages counted in each process that has them. */
  rss: number;
  /** Of the processes that are there now; what ended before is in its parent's, once that has waited for it. */
  cpuSeconds: number;
}

interface Stat {
  parent: number;
  rss: number;
  cpuSeconds: number;
}

const pageSize = 4096;
const ticksPerSecond = 100;

/** A process and all that descends from it. */
export async function useOfTree(root: number): Promise<TreeUse> {
  const stats = new Map<number, Stat>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => null);
    if (stat !== null) stats.set(Number(name), readStat(stat));
  }
  const total = { processes: 0, rss: 0, cpuSeconds: 0 };
  for (const [pid, stat] of stats) {
    if (!descends(pid, root, stats)) continue;
    total.processes += 1;
    total.rss += stat.rss;
    total.cpuSeconds += stat.cpuSeconds;
  }
  return total;
}

function descends(pid: number, root: number, stats: Map<number, Stat>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = stats.get(at)?.parent)
    if (at === root) return true;
  return false;
}

/** The name in the second field may hold blanks and brackets; what follows its last bracket does not. */
function readStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (index: number) => Number(fields[index]);
  return {
    parent: number(1),
    rss: number(21) * pageSize,
    cpuSeconds: (number(11) + number(12) + number(13) + number(14)) / ticksPerSecond,
  };
}
