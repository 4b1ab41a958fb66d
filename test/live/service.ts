import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.ts';
import { makeRepository } from '../support/repository.ts';
import { agentScript, reports } from './reports.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

export interface LiveService {
  url: string;
  repository: string;
  /** Our command line, with the configuration of this service. */
  shipmate(args: string[], cwd?: string): Promise<string>;
  stop(): Promise<void>;
}

/** Shipmate as a person starts it: a process of its own, the embedded database, the board, a repository on disk. */
export async function startLiveService(dir: string, env: Record<string, string>): Promise<LiveService> {
  const repository = join(dir, 'shop.git');
  await makeRepository(repository, {
    ...Object.fromEntries(Object.values(reports).map(({ file, before }) => [file, before])),
    'package.json': '{ "name": "shop", "type": "module", "scripts": { "test": "node --test" } }\n',
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(join(dir, 'agent.yaml'), agentScript());
  const config = join(dir, 'shipmate.yaml');
  await writeFile(
    config,
    `dataDir: data
model: scripted:agent.yaml
http: { port: ${port} }
repositories:
  shop: { path: ${repository} }
`,
  );
  const main = [join(root, 'bin/shipmate.mjs'), '--config', config];
  const child = spawn('node', [...main, 'start'], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(dir, 'service.log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  await untilHealthy(child, url);
  return {
    url,
    repository,
    shipmate: async (args, cwd = dir) => (await run('node', [...main, ...args], { cwd, env })).stdout,
    async stop() {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function untilHealthy(child: ChildProcess, url: string): Promise<void> {
  for (const until = Date.now() + 60_000; Date.now() < until; await delay(100)) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}: see service.log`);
    const answer = await fetch(`${url}/health`).catch(() => null);
    if (answer?.ok) return;
  }
  throw new Error('the service does not answer');
}
