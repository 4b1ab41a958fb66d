import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compileCache } from './compile-cache.ts';
import { processesNaming, startTestService, type TestService, type TestServiceOptions } from './service.ts';

const root = join(import.meta.dirname, '../..');

export interface Part {
  child: ChildProcess;
  pid: number;
  /** All that it wrote, so far. */
  output(): string;
  /** Its log, line by line. */
  log(): { msg: string; level: string; [field: string]: unknown }[];
  /** Resolves when its log has a line with this message; rejects when it ends before. */
  said(message: string): Promise<void>;
  /** Resolves with the exit code, or the signal's name. */
  ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

export interface PartOptions {
  command: 'web' | 'worker' | 'start';
  /** Where shipmate.yaml is. */
  dir: string;
  databaseUrl?: string;
  env?: Record<string, string>;
  /** Options of the command line, before the command. */
  args?: string[];
  /** Options of node itself. */
  node?: string[];
  /** Another version of the service. */
  from?: string;
  /** It runs on a machine of this name, as far as it can tell. Needs root. */
  host?: string;
}

/** One part of the service as a process of its own. */
export function startPart(options: PartOptions): Part {
  const main = join(options.from ?? root, 'src/main.ts');
  const command = [process.execPath, ...(options.node ?? []), main, ...(options.args ?? []), options.command];
  const [program = '', ...args] = options.host === undefined ? command : [...onHost(options.host), ...command];
  const child = spawn(program, args, {
    cwd: options.dir,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: compileCache,
      ...(options.databaseUrl && { DATABASE_URL: options.databaseUrl }),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as number | string);
  const log = () =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line));
  return {
    child,
    pid: child.pid ?? 0,
    output: () => output,
    log,
    async said(message) {
      let over = false;
      void ended.then(() => {
        over = true;
      });
      while (!log().some(({ msg }) => msg.includes(message))) {
        if (over) throw new Error(`the process ended before it said "${message}":\n${output}`);
        await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended]);
      }
    },
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

function onHost(name: string): string[] {
  return ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', name];
}

export interface Setup extends TestService {
  /** A part on the same database, data directory and repositories. */
  start(command: PartOptions['command'], more?: Partial<PartOptions>): Part;
}

/**
 * A service whose web part is in this process and whose workers are processes, on one database. `yaml` is added to what
 * they all read.
 */
export async function startSetup(options: TestServiceOptions & { yaml?: Record<string, unknown> }): Promise<Setup> {
  const service = await startTestService({ parts: ['web'], ...options });
  const { config, dir, database } = service;
  const parts: Part[] = [];
  const file = {
    dataDir: config.dataDir,
    http: { port: 0 },
    model: config.model,
    repositories: Object.fromEntries(config.repositories.map(({ name, location }) => [name, { path: location }])),
    ...options.yaml,
  };
  // The version before knows no `until`: there it never comes.
  const previousScript = join(dir, 'previous-script.yaml');
  await writeFile(previousScript, options.script?.replaceAll(/until: \w+/g, 'delay: 3600000') ?? '');
  const previous = { ...file, model: `scripted:${previousScript}` };
  // Other scripts than those about it do not rate their tickets; nor does the version before know that key.
  const current = { ...file, policy: { scope: { before: config.policy.scope.before } }, ...options.yaml };
  await writeFile(join(dir, 'shipmate.yaml'), JSON.stringify(current));
  await writeFile(join(dir, 'previous.yaml'), JSON.stringify(previous));
  return {
    ...service,
    start(command, more = {}) {
      const args = more.from === undefined ? {} : { args: ['-c', 'previous.yaml'] };
      const part = startPart({ command, dir: resolve(dir), databaseUrl: database.url, ...args, ...more });
      parts.push(part);
      return part;
    },
    async stop() {
      for (const part of parts) part.kill('SIGKILL');
      await Promise.all(parts.map(({ ended }) => ended));
      // The kernel ends the sandboxes of a killed worker a moment after it.
      const giveUpAt = performance.now() + 10_000;
      while ((await processesNaming(dir)).length > 0 && performance.now() < giveUpAt) await delay(50);
      await service.stop();
    },
  };
}
