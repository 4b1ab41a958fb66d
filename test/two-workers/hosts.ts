import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { ServiceOptions } from '../stand-ins/world/service.ts';

const run = promisify(execFile);
const ip = (...args: string[]) => run('ip', args);

/** A network of its own with one cable to ours, and a host name of its own. */
export interface Host {
  /** Our end of the cable. */
  gateway: string;
  /** The service there; resolves when it works. */
  spawn(
    options: ServiceOptions,
  ): Promise<{ log(): string; kill(signal: NodeJS.Signals): void; ended: Promise<unknown> }>;
  /** Nothing goes through the cable any more, and nobody is told. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  remove(): Promise<void>;
}

/** Why there can be no hosts here; null when there can. */
export async function whyNoHosts(): Promise<string | null> {
  const name = `shipmate-${process.pid}-try`;
  try {
    await ip('netns', 'add', name);
    await ip('link', 'add', `sm${process.pid % 10_000}t`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    return null;
  } catch (error) {
    return (
      String((error as { stderr?: string }).stderr || (error as Error).message)
        .trim()
        .split('\n')[0] ?? ''
    );
  } finally {
    await ip('netns', 'del', name).catch(() => {});
  }
}

export async function createHost(number: number): Promise<Host> {
  const name = `shipmate-${process.pid}-${number}`;
  const cable = `sm${process.pid % 10_000}x${number}`;
  const subnet = `10.${100 + (process.pid % 100)}.${number}`;
  const gateway = `${subnet}.1`;
  await ip('netns', 'add', name);
  try {
    await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await ip('addr', 'add', `${gateway}/30`, 'dev', cable);
    await ip('link', 'set', cable, 'up');
    await ip('-n', name, 'addr', 'add', `${subnet}.2/30`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) await ip('-n', name, 'link', 'set', device, 'up');
  } catch (error) {
    await ip('netns', 'del', name);
    throw error;
  }
  return {
    gateway,
    async spawn(options) {
      const file = join(import.meta.dirname, '../stand-ins/world/service.ts');
      const inside = ['ip', 'netns', 'exec', name, process.execPath, file, JSON.stringify(options)];
      const child = spawn('unshare', ['--uts', 'sh', '-c', `hostname ${name}; exec "$@"`, 'sh', ...inside], {
        stdio: ['pipe', 'pipe', 'pipe'], // it ends when its standard input does
      });
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString('utf8');
      });
      const ended = once(child, 'exit');
      const said = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended.then(() => null)]);
      if (said === null) throw new Error(`the service on ${name} ended before it was ready:\n${log}`);
      return { log: () => log, kill: (signal) => void child.kill(signal), ended };
    },
    cut: async () => void (await ip('link', 'set', cable, 'down')),
    mend: async () => void (await ip('link', 'set', cable, 'up')),
    remove: async () => void (await ip('netns', 'del', name)),
  };
}

/** What listens for this machine only, offered at one end of a cable. A cable that is cut breaks no connection. */
export async function offer(address: string, target: { port: number } | { path: string }) {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(target);
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, address);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}
