import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * This process's name, the same for its whole life and never another's: machine (host name, boot and process namespace),
 * process id and the moment it started.
 */
export function workerName(): string {
  return [machine(), process.pid, startOf(process.pid)].join(':');
}

/** Whether a worker ran on this machine and is gone. One of another machine is never known to be dead. */
export function isDeadWorker(name: string): boolean {
  const [where, pid, start] = splitName(name);
  return where === machine() && startOf(Number(pid)) !== start;
}

/** Whether a worker runs on this machine, as seen just now. */
export function isLivingWorker(name: string): boolean {
  const [where, pid, start] = splitName(name);
  return where === machine() && startOf(Number(pid)) === start;
}

function splitName(name: string): [string, string, string] {
  const parts = name.split(':');
  const [pid = '', start = ''] = parts.slice(-2);
  return [parts.slice(0, -2).join(':'), pid, start];
}

function machine(): string {
  return [hostname(), readOr('/proc/sys/kernel/random/boot_id', ''), linkOr('/proc/self/ns/pid', '')].join('/');
}

/** Process ids are used again; the clock tick at which a process started tells two of them apart. */
function startOf(pid: number): string {
  const fields = readOr(`/proc/${pid}/stat`, '').split(') ')[1]?.split(' ');
  // A zombie has ended; its parent has only not been told.
  if (fields) return fields[0] === 'Z' ? 'gone' : (fields[19] ?? '');
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch {
    return 'gone';
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return otherwise;
  }
}

function linkOr(path: string, otherwise: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return otherwise;
  }
}
