import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileCache } from './compile-cache.ts';
import type { TestService } from './service.ts';

export interface Doomed {
  /** What it ended by: `[null, 'SIGKILL']` at its failpoint. */
  ended: Promise<unknown[]>;
  /** Ends it where it did not come to its failpoint. */
  end(): Promise<unknown>;
}

/**
 * `shipmate start` as a process of its own, on the database and the data directory of a service that works on nothing itself
 * (`parts: []`); it dies at a failpoint. `config`: lines of `shipmate.yaml` beside those that every such process needs.
 */
export async function startDoomed(service: TestService, failpoint: string, config: string[]): Promise<Doomed> {
  const { dir, database } = service;
  const lines = [
    'repositories: { upstream: { path: upstream.git } }',
    `model: scripted:${join(dir, 'script.yaml')}`,
    `dataDir: ${join(dir, 'data')}`,
    'http: { port: 0 }',
    'log: { level: warn }',
    ...config,
  ];
  await writeFile(join(dir, 'shipmate.yaml'), lines.join('\n'));
  const main = join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [main, 'start'], {
    cwd: dir,
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.url,
      SHIPMATE_FAILPOINTS: `${failpoint}:kill`,
      NODE_COMPILE_CACHE: compileCache,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  return {
    ended,
    end() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}
