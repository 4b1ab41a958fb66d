import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Bytes that this process and its children may still take: what the machine has left or what a control group above us leaves,
 * whichever is less. Cached files count as free: the kernel gives them up. null where neither can be read (macOS).
 */
export function availableMemory(root = '/'): number | null {
  const found = [machine(root), ...controlGroups(root)].filter((bytes) => bytes !== null);
  return found.length === 0 ? null : Math.max(0, Math.min(...found));
}

function machine(root: string): number | null {
  const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(textOf(join(root, 'proc/meminfo'))) ?? [];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** Of each group from our own up to the top. */
function controlGroups(root: string): (number | null)[] {
  const lines = textOf(join(root, 'proc/self/cgroup')).trim().split('\n');
  return lines.flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isSecond = controllers === '' && path !== '';
    if (!isSecond && !controllers.split(',').includes('memory')) return [];
    const top = join(root, isSecond ? 'sys/fs/cgroup' : 'sys/fs/cgroup/memory');
    const left = [];
    for (let dir = join(top, path); dir.startsWith(top); dir = dirname(dir)) left.push(leftIn(dir, isSecond));
    return left;
  });
}

function leftIn(dir: string, isSecond: boolean): number | null {
  const [limitFile, usedFile] = isSecond
    ? ['memory.max', 'memory.current']
    : ['memory.limit_in_bytes', 'memory.usage_in_bytes'];
  const limit = Number.parseInt(textOf(join(dir, limitFile)), 10);
  const used = Number.parseInt(textOf(join(dir, usedFile)), 10);
  if (Number.isNaN(limit) || Number.isNaN(used)) return null; // "max", or not there
  const cached = /^(?:total_)?inactive_file (\d+)$/m.exec(textOf(join(dir, 'memory.stat')))?.[1] ?? '0';
  return limit - used + Number(cached);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
