import { once } from 'node:events';
import { createApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config.ts';
import type { Repository } from '../../../src/core/repository.ts';
import { createLog } from '../../../src/lib/log.ts';
import { board } from '../../../src/trackers/board/definition.ts';
import { defineTracker } from '../../../src/trackers/definition.ts';
import { createWorldCodeHost } from './code-host.ts';
import { createWorldTracker } from './tracker.ts';
import { defaultSecret } from './world.ts';

export interface ServiceOptions {
  worldUrl: string;
  databaseUrl: string;
  /** Mirrors and workspaces; another one stands for another machine. */
  dataDir: string;
  /** "scripted:FILE", or one that `env` brings the key and the URL of. */
  model: string;
  repositories: Repository[];
  parts: ('web' | 'worker')[];
  /** The web part's; 0 or nothing: any. */
  port?: number;
  slots?: number;
  /** Whether tickets are rated before work; scripts of tests that are not about it do not. */
  rates?: boolean;
  failpoints?: string;
  secret?: string;
  /** YAML of a configuration; what is named above comes on top. */
  configFile?: string;
  env?: Record<string, string>;
  logLevel?: 'silent' | 'debug' | 'info' | 'warn' | 'error';
}

/**
 * As a process of its own, to be killed and frozen: `node service.ts '{...}'` runs the service against a world, and says
 * `{"url":...}` on a line of its own when it runs. SIGTERM makes it leave in order.
 */
async function serve(options: ServiceOptions): Promise<void> {
  const { worldUrl, databaseUrl, dataDir, secret = defaultSecret, slots, port = 0 } = options;
  const env = { PATH: process.env.PATH, DATABASE_URL: databaseUrl, ...options.env };
  const file = options.configFile === undefined ? {} : { file: options.configFile };
  const loaded = loadConfig({ cwd: '/', env, ...file });
  const config = {
    ...loaded,
    dataDir,
    model: options.model,
    http: { ...loaded.http, port, publicUrl: 'https://shipmate.example' },
    policy: { ...loaded.policy, scope: { ...loaded.policy.scope, before: options.rates ?? false } },
    repositories: options.repositories,
    worker: { ...loaded.worker, slots: slots ?? loaded.worker.slots },
    failpoints: options.failpoints ?? null,
  };
  const log = createLog({ level: options.logLevel ?? 'warn', format: 'json', secrets: config.secrets });
  const app = await createApp(config, log, {
    trackers: [
      defineTracker({ ...board, open: async ({ agent }) => createWorldTracker({ url: worldUrl, agent, secret }) }),
    ],
    codeHosts: { 'local-git': () => createWorldCodeHost({ url: worldUrl }) },
  });
  const leaving = Promise.race([once(process, 'SIGTERM'), once(app.lost, 'abort')]);
  if (options.parts.includes('worker')) await app.startWorking();
  const url = options.parts.includes('web') ? await app.startWeb() : null;
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  await leaving;
  await app.stop();
}

if (import.meta.main) {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume(); // whoever started it is gone
  await serve(JSON.parse(process.argv[2] ?? '{}'));
  process.exit(0);
}
