import { chownSync, closeSync, constants, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { LaunchEnd } from '../lib/launcher.ts';
import { runProcess } from '../lib/process.ts';
import type { Command } from './command.ts';
import { createScratch } from './scratch.ts';

/** Real pipes for one process: `ours` to read and write, `theirs` to give to the child. */
export interface Pipes {
  stdin: Socket | null;
  stdout: Socket;
  stderr: Socket;
  /** Its descriptors 0, 1 and 2. */
  theirs: LaunchEnd[];
  /** Once the child has them, or will never have them. */
  closeTheirs(): void;
}

export interface PipePool {
  /** Pipes return to the pool when `ours` have been read to their end; destroy them when the child never started. */
  take(stdin: Command['stdin']): Promise<Pipes>;
  /** Once nothing runs any more. */
  close(): Promise<void>;
}

type Paths = [stdin: string, stdout: string, stderr: string];

const batch = 16;
const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

/**
 * Pools of pipes, one for each sandbox. Node gives a child sockets where a shell expects pipes: `tee /dev/stderr` fails on them,
 * and bash takes a socket as input for a remote login. So these are FIFOs, which belong to `owner`, who may open them again by
 * /dev/stdout. They are used again only after every process that had them is gone, and in one sandbox only; what none has
 * used yet is there for all that are open at the same time, because to make some takes a process.
 */
export function createPipePools(tempDir: string, owner: { uid: number; gid: number }): () => PipePool {
  let unused: Paths[] = [];
  let dir: Promise<string> | null = null;
  let making: Promise<void> | null = null;
  let made = 0;
  let open = 0;

  async function make(): Promise<void> {
    dir ??= createScratch(tempDir);
    const at = await dir;
    const sets = Array.from({ length: batch }, (): Paths => {
      made++;
      return [join(at, `${made}.in`), join(at, `${made}.out`), join(at, `${made}.err`)];
    });
    const { exitCode, stderr } = await runProcess(['mkfifo', '-m', '600', ...sets.flat()]);
    if (exitCode !== 0) throw new Error(`No pipes can be made in ${at}: ${stderr.trim()}`);
    for (const path of sets.flat()) chownSync(path, owner.uid, owner.gid);
    unused.push(...sets);
  }

  async function takeUnused(): Promise<Paths> {
    while (unused.length === 0) {
      making ??= make().finally(() => {
        making = null;
      });
      await making;
    }
    return unused.pop() as Paths;
  }

  async function leave(): Promise<void> {
    open--;
    if (open > 0 || dir === null) return;
    const left = dir;
    dir = null;
    unused = [];
    rmSync(await left, { recursive: true, force: true });
  }

  return () => {
    open++;
    return createPipePool(takeUnused, leave, owner);
  };
}

function createPipePool(
  takeUnused: () => Promise<Paths>,
  leave: () => Promise<void>,
  owner: { uid: number; gid: number },
): PipePool {
  const free: Paths[] = [];
  const all: Paths[] = [];

  async function takePaths(): Promise<Paths> {
    const again = free.pop();
    if (again) return again;
    const paths = await takeUnused();
    all.push(paths);
    return paths;
  }

  /** Input that is known already is a file: a FIFO that has been written and closed could not be opened again. */
  async function makeFile(path: string, bytes: Uint8Array | string): Promise<string> {
    await writeFile(path, bytes, { mode: 0o600 });
    await chown(path, owner.uid, owner.gid);
    return path;
  }

  return {
    async take(stdin) {
      const paths = await takePaths();
      const file = stdin !== null && stdin !== 'pipe' ? await makeFile(`${paths[0]}put`, stdin.bytes) : null;
      const input = stdin === 'pipe' ? openInput(paths[0]) : null;
      const [output, errors] = [openOutput(paths[1]), openOutput(paths[2])];
      const opened = [input, output, errors].filter((pipe) => pipe !== null);
      let open = opened.length;
      for (const { ours } of opened) {
        ours.on('error', () => {}); // whoever reads it hears of it; of the input, how the child ended tells the rest
        ours.once('close', () => {
          open--;
          // Ended means that no process holds them any more.
          if (open === 0 && output.ours.readableEnded && errors.ours.readableEnded) free.push(paths);
        });
      }
      return {
        stdin: input?.ours ?? null,
        stdout: output.ours,
        stderr: errors.ours,
        theirs: [
          stdin === null ? 'ignore' : { path: file ?? paths[0], write: false },
          { path: paths[1], write: true },
          { path: paths[2], write: true },
        ],
        // At once: what ends from here on has nobody who listens yet.
        closeTheirs() {
          for (const { held } of opened) closeSync(held);
          if (file !== null) rmSync(file);
        },
      };
    },
    async close() {
      for (const path of all.splice(0).flat()) rmSync(path, { force: true });
      await leave();
    },
  };
}

/** `held` is what the child will open too: without it nothing would be there to be read, which is an end. */
function openOutput(path: string): { ours: Socket; held: number } {
  const readEnd = openSync(path, O_RDONLY | O_NONBLOCK);
  const held = openSync(path, O_WRONLY);
  return { ours: new Socket({ fd: readEnd, readable: true, writable: false }), held };
}

function openInput(path: string): { ours: Socket; held: number } {
  // Opening either end alone would wait for the other.
  const both = openSync(path, O_RDWR);
  const held = openSync(path, O_RDONLY);
  const writeEnd = openSync(path, O_WRONLY | O_NONBLOCK);
  closeSync(both);
  return { ours: new Socket({ fd: writeEnd, readable: false, writable: true }), held };
}

/**
 * Descriptors that whoever started the service left open to its children. Node closes its own in a child, but not these,
 * and they could be anything; a child gets /dev/null in their place.
 */
export function findInheritedDescriptors(): number[] {
  const closeOnExec = 0o2000000;
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => {
      if (fd <= 2) return false;
      try {
        const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0';
        return (Number.parseInt(flags, 8) & closeOnExec) === 0;
      } catch {
        return false; // the one that listed the directory
      }
    });
}
