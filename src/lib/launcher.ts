import { type ChildProcess, fork } from 'node:child_process';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';

/*
 * Processes are started by a small process of ours. To start one, a process is copied with all its memory; of a service with
 * some hundred megabytes that takes tens of milliseconds, in which it does nothing else.
 */

/** `pipe`: read and written through `Launched.pipes`. A path: that file or FIFO, for the process to read or to write. */
export type LaunchEnd = 'ignore' | 'pipe' | { path: string; write: boolean };

export interface LaunchSpec {
  command: string;
  args: readonly string[];
  cwd: string;
  /** The whole environment; nothing is inherited. */
  env: Record<string, string>;
  /** In a session, and so in a process group, of its own. */
  detached: boolean;
  /** By descriptor, from 0 on. */
  stdio: readonly LaunchEnd[];
}

export interface Launched {
  pid: number;
  /** The other ends of what is a `pipe`, by descriptor. They are sockets to the process. */
  pipes: ReadonlyMap<number, Duplex>;
  /** Its exit code; null: a signal ended it, or the launcher was killed and it with it. */
  exited: Promise<number | null>;
  /** It has exited and nobody holds its pipes any more. */
  closed: Promise<number | null>;
  /** Ends it at once; where it is `detached`, all that is left of its group. Answers whether anybody was. */
  kill(): boolean;
}

type Told =
  | { type: 'launched'; id: number; pid: number }
  | { type: 'refused'; id: number; code: string | undefined; message: string }
  | { type: 'data'; id: number; fd: number; chunk: Uint8Array }
  | { type: 'end'; id: number; fd: number }
  | { type: 'exit'; id: number; code: number | null }
  | { type: 'close'; id: number };

/** What is to be done with what the launcher tells of one process, and when the launcher is gone. */
interface Watched {
  hear(told: Told): void;
  lose(): void;
}

interface Launcher {
  send(message: unknown): void;
  watch(id: number, watched: Watched): void;
  forget(id: number): void;
}

let current: Launcher | null = null;
let launches = 0;

/**
 * Starts a process, and answers when it has started. Throws when it cannot be, with the system's `code` (`ENOENT`). It is never
 * waited for: whoever needs its end awaits `exited` or `closed`.
 */
export function launch(spec: LaunchSpec): Promise<Launched> {
  current ??= startLauncher();
  const launcher = current;
  const id = launches++;
  return new Promise((resolve, reject) => {
    const exited = Promise.withResolvers<number | null>();
    const closed = Promise.withResolvers<number | null>();
    const pipes = new Map<number, Duplex>();
    let launched: Launched | null = null;
    let exitCode: number | null = null;
    const finish = () => {
      for (const pipe of pipes.values()) if (!pipe.readableEnded) pipe.push(null);
      exited.resolve(exitCode);
      closed.resolve(exitCode);
      launcher.forget(id);
    };
    launcher.watch(id, {
      hear(told) {
        if (told.type === 'launched') {
          const target = spec.detached ? -told.pid : told.pid;
          launched = {
            pid: told.pid,
            pipes,
            exited: exited.promise,
            closed: closed.promise,
            kill: () => killHard(target),
          };
          resolve(launched);
        } else if (told.type === 'refused') {
          launcher.forget(id);
          reject(Object.assign(new Error(told.message), { code: told.code }));
        } else if (told.type === 'data') pipes.get(told.fd)?.push(told.chunk);
        else if (told.type === 'end') pipes.get(told.fd)?.push(null);
        else if (told.type === 'exit') {
          exitCode = told.code;
          exited.resolve(exitCode);
        } else finish();
      },
      lose() {
        if (!launched) return reject(new Error(`${spec.command} could not be started: the launcher was killed`));
        launched.kill();
        finish();
      },
    });
    spec.stdio.forEach((end, fd) => {
      if (end === 'pipe') pipes.set(fd, openPipe(launcher, id, fd));
    });
    launcher.send({ type: 'launch', id, ...spec });
  });
}

function openPipe(launcher: Launcher, id: number, fd: number): Duplex {
  return new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      launcher.send({ type: 'write', id, fd, chunk });
      done();
    },
    final(done) {
      launcher.send({ type: 'end', id, fd });
      done();
    },
  });
}

function killHard(target: number): boolean {
  try {
    process.kill(target, 'SIGKILL');
    return true;
  } catch {
    return false; // it is gone already
  }
}

function startLauncher(): Launcher {
  const watched = new Map<number, Watched>();
  const child = fork(fileURLToPath(new URL('launcher-process.mjs', import.meta.url)), [], {
    env: {},
    execArgv: ['--max-semi-space-size=1'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true, // Ctrl-C is for the service
  });
  const lose = () => {
    if (current === launcher) current = null;
    for (const each of [...watched.values()]) each.lose();
    watched.clear();
  };
  child.on('error', lose);
  child.on('exit', lose);
  child.on('message', (told: Told) => watched.get(told.id)?.hear(told));
  const launcher: Launcher = {
    send: (message) => void (child.connected && child.send(message as object, () => {})),
    watch(id, each) {
      watched.set(id, each);
      keepAwake(child, true);
    },
    forget(id) {
      watched.delete(id);
      keepAwake(child, watched.size > 0);
    },
  };
  keepAwake(child, false);
  return launcher;
}

/** The service stays while it waits for a process, and not for the launcher itself. */
function keepAwake(child: ChildProcess, awake: boolean): void {
  if (awake) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
