import { mkdir, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Check } from '../../core/check.ts';
import { type Launched, launch } from '../../lib/launcher.ts';
import { type Command, createSandbox, type StartedProcess } from '../command.ts';
import { openForwardProxy, proxyEnvironment } from '../forward-proxy.ts';
import type { SandboxOptions } from '../options.ts';
import { createPipePools, type PipePool } from '../pipes.ts';
import type { Sandbox, SandboxDriver, SandboxSpec } from '../sandbox.ts';
import { createScratch, removeAbandonedScratch, removeAfter, removeScratch } from '../scratch.ts';
import { programDirs } from '../toolchains.ts';

/**
 * No sandbox: plain processes of the service's own user, for a machine whose only purpose is this one, or a demo. They
 * read what the service can read, have its network, and count against no memory or process limit. The environment is
 * built, time and output are limited, and the process group is killed; a command that leaves its group survives. A mount
 * is where it is: `inside` must be its path. Where only named hosts are to be reached, programs that heed the proxy in their
 * environment reach no others; nothing holds those that do not.
 */
export function createNoneDriver(options: SandboxOptions): SandboxDriver {
  const owner = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
  const openPipes = createPipePools(options.tempDir, owner);
  let swept: Promise<void> | undefined;
  return {
    kind: 'none',
    owner,
    samePaths: true,
    async open(spec: SandboxSpec): Promise<Sandbox> {
      const moved = spec.mounts.find((mount) => (mount.inside ?? mount.path) !== mount.path);
      if (moved) throw new Error(`The sandbox driver "none" cannot show ${moved.path} at ${moved.inside}.`);
      swept ??= removeAbandonedScratch(options.tempDir);
      await swept;
      const scratch = await createScratch(options.tempDir);
      for (const name of ['home', 'tmp']) await mkdir(join(scratch, name));
      const env = {
        PATH: [dirname(process.execPath), ...(await programDirs(options.readOnlyPaths)), options.searchPath].join(':'),
        HOME: join(scratch, 'home'),
        TMPDIR: join(scratch, 'tmp'),
        LANG: 'C.UTF-8',
        TERM: 'dumb',
        ...spec.env,
      };
      const { hosts } = typeof spec.network === 'object' ? spec.network : { hosts: null };
      const proxy =
        hosts && (await openForwardProxy(hosts, { host: '127.0.0.1', port: 0 }).catch(removeAfter(scratch)));
      const pipes = openPipes();
      return createSandbox({
        cwd: spec.cwd,
        env: proxy ? { ...env, ...proxyEnvironment(proxy.port ?? 0, hosts) } : env,
        start: (command) => startPlain(command, pipes),
        async remove() {
          await proxy?.close();
          await pipes.close();
          await removeScratch(scratch);
        },
      });
    },
    probe: async (): Promise<Check[]> => [
      {
        name: 'sandbox',
        status: 'warning',
        message:
          'THERE IS NO SANDBOX (sandbox.driver is "none"). Whatever a model or a repository runs has the rights, files and network of this user.',
        remedy: 'Set sandbox.driver to bubblewrap, unless this machine holds nothing that matters.',
      },
    ],
  };
}

async function startPlain(command: Command, pipes: PipePool): Promise<StartedProcess> {
  const [program = '', ...args] = command.argv;
  if (!(await stat(command.cwd).catch(() => null))?.isDirectory())
    throw new Error(`${program} could not be started: there is no directory ${command.cwd}.`);
  const ends = await pipes.take(command.stdin);
  const { stdin, stdout, stderr } = ends;
  try {
    const child = await launch({
      command: program,
      args,
      cwd: command.cwd,
      env: command.env,
      detached: true,
      stdio: ends.theirs,
    });
    const exited = child.exited.then(async (code) => {
      await endGroup(child);
      closeWhenQuiet([stdin, stdout, stderr].filter((pipe) => pipe !== null));
      return code;
    });
    const kill = async () => {
      child.kill();
      await exited;
    };
    return { stdin, stdout, stderr, exited, kill, started: Promise.resolve() };
  } catch (error) {
    for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${program} could not be started: ${reason}`, { cause: error });
  } finally {
    ends.closeTheirs();
  }
}

/** Kills what the command left in its process group, and waits for it; some may stay as zombies until the host reaps them. */
async function endGroup({ kill }: Launched): Promise<void> {
  const giveUpAt = performance.now() + 100;
  while (kill() && performance.now() < giveUpAt) await delay(2);
}

const quietMs = 200;
const looks = 10;

/**
 * Whoever left the group may hold the pipes for ever. They are closed when nothing has come for a while; a process that was
 * kept from running meanwhile reads first what had been written.
 */
function closeWhenQuiet(pipes: Socket[], left = looks): void {
  const read = () => pipes.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  const before = read();
  setTimeout(() => {
    setImmediate(() => {
      if (left > 1 && read() !== before) return closeWhenQuiet(pipes, left - 1);
      for (const pipe of pipes) pipe.destroy();
    });
  }, quietMs).unref();
}
