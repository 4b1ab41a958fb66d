import { once } from 'node:events';
import { Command } from 'commander';
import type { App } from '../app.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';

/** The commands that run for good: web and worker, together or apart. */
export const serveCommands = [
  (cli: Cli) =>
    new Command('start')
      .description('Run the service: web and worker in one process.')
      .action(() => serve(cli, { web: true, worker: true })),
  (cli: Cli) =>
    new Command('web')
      .description('Run the web part only: answers webhooks, acknowledges tickets, posts what leaves.')
      .action(() => serve(cli, { web: true, worker: false })),
  (cli: Cli) =>
    new Command('worker')
      .description('Run the worker part only: works on tickets.')
      .action(() => serve(cli, { web: false, worker: true })),
];

/** What is not saved by then goes on from its last step; whoever sent SIGTERM sends SIGKILL at 30 s. */
const leaveWithinMs = 27_000;

async function serve(cli: Cli, parts: { web: boolean; worker: boolean }): Promise<void> {
  const config = cli.load();
  const log = cli.log(config);
  const app: App = await cli.open(config, log);
  try {
    if (parts.worker) await app.startWorking();
    const url = parts.web ? await app.startWeb() : null;
    log.info({ ...(url && { url }), ...parts, model: app.model?.id ?? null }, 'Shipmate is running; Ctrl-C stops it');
    const ended = AbortSignal.any([cli.signal, app.lost]);
    if (!ended.aborted) await once(ended, 'abort');
    if (app.lost.aborted)
      throw new CliError(
        'The embedded PostgreSQL has ended, see postgres.log in dataDir. Start again: what was under way goes on.',
      );
    log.info('stopping; what is under way goes on at the next start');
    setTimeout(() => {
      log.warn('something did not stop in time; it is left as it is');
      process.exit(0);
    }, leaveWithinMs).unref();
  } finally {
    await app.stop();
  }
}
