import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import type { App } from '../app.ts';
import { CliError } from './cli-error.ts';
import { followSession } from './follow.ts';
import type { Cli } from './program.ts';
import { bold, dim, lasting, money, oneLine, seconds, showActivity, showEvidence, showPlan } from './show.ts';
import { positive } from './tickets.ts';

/** Shipmate's work, session by session. */
export const sessionsCommand = (cli: Cli) => {
  const sessions = new Command('sessions').description("Look at Shipmate's work, one session a ticket; stop it.");
  sessions
    .command('list', { isDefault: true })
    .description('List sessions, latest first.')
    .option('--limit <number>', 'how many at most', '20')
    .action(({ limit }: { limit: string }) =>
      withApp(cli, async (app) => {
        const found = await app.sessions.list(positive(limit, '--limit'));
        if (found.length === 0) cli.print('There are no sessions. Assign a ticket: shipmate tickets assign BOARD-1');
        for (const { identifier, state, title, pullRequest, place } of found)
          cli.print(
            `${identifier.padEnd(10)} ${state.padEnd(14)} ${oneLine(title)}${dim(pullRequest ? `  ${pullRequest}` : place ? `  waits for a worker, ${place} in the queue` : '')}`,
          );
      }),
    );
  sessions
    .command('show <ticket>')
    .description('Show a session: plan, activities, evidence, cost, and what could not be sent.')
    .option('--json', 'as JSON')
    .action((ticket: string, { json }: { json?: boolean }) =>
      withApp(cli, async (app) => {
        const view = await app.sessions.view(ticket);
        if (!view) throw new CliError(`${ticket} has no session. Assign it: shipmate tickets assign ${ticket}`);
        if (json) return cli.print(JSON.stringify(view, null, 2));
        cli.print(`${bold(view.ticket.identifier)} ${oneLine(view.ticket.title)}  ${dim(view.state)}`);
        cli.print(dim([view.repository, view.baseBranch, view.branch].filter(Boolean).join(' · ')));
        if (view.plan.length > 0) cli.print(`\n${showPlan(view.plan)}`);
        if (view.activities.length > 0) cli.print('');
        for (const { activity } of lasting(view.activities)) cli.print(showActivity(activity));
        if (view.evidence.length > 0) cli.print('');
        for (const evidence of view.evidence) cli.print(showEvidence(evidence));
        for (const { key, state, error } of view.unsent)
          cli.print(`\nnot sent (${state}): ${key}${error ? ` · ${error}` : ''}`);
        for (const run of view.runs)
          if (run.startedAt && run.endedAt)
            cli.print(
              dim(
                `\nrun ${run.number}: ${run.outcome?.stopReason} after ${seconds(run.endedAt.getTime() - run.startedAt.getTime())}, ${run.attempts} attempt(s)`,
              ),
            );
        cli.print(dim(`${view.usage.calls} model calls, ${money(view.usage.costUsd)}`));
        if (view.pullRequest) cli.print(`\n${view.pullRequest.url}`);
      }),
    );
  sessions
    .command('evidence <ticket>')
    .description('Write the files that verification kept (screenshots, reports) into a directory.')
    .requiredOption('--to <dir>', 'where to')
    .action((ticket: string, { to }: { to: string }) =>
      withApp(cli, async (app) => {
        const view = await app.sessions.view(ticket);
        if (!view) throw new CliError(`${ticket} has no session.`);
        const files = await app.sessions.files(view.id);
        const dir = resolve(cli.surroundings.cwd, to);
        for (const { path, content } of files) {
          const file = join(dir, path);
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, content);
          cli.print(file);
        }
        if (files.length === 0) cli.print('No files were kept: commands left nothing in $SHIPMATE_EVIDENCE.');
      }),
    );
  sessions
    .command('stop <ticket>')
    .description('Stop the work on a ticket. It can be continued: comment "continue".')
    .action((ticket: string) =>
      withApp(cli, async (app) => {
        const stopped = await app.stopSession(ticket);
        if (stopped === null) throw new CliError(`${ticket} has no session.`);
        cli.print(stopped ? 'A stop is requested.' : 'Nothing is running.');
      }),
    );
  return sessions;
};

export const watchCommand = (cli: Cli) =>
  new Command('watch')
    .description('Follow what Shipmate does on a ticket, live, until it rests. Ctrl-C leaves it working.')
    .argument('<ticket>', 'such as BOARD-1')
    .action((ticket: string) =>
      withApp(cli, async (app) => {
        const view = await app.sessions.view(ticket);
        if (!view) throw new CliError(`${ticket} has no session. Assign it: shipmate tickets assign ${ticket}`);
        await followSession(app, view.id, ticket, {
          activity: ({ activity }) => cli.print(showActivity(activity)),
          plan: (plan) => cli.print(showPlan(plan)),
          signal: cli.signal,
        });
      }),
    );

async function withApp(cli: Cli, work: (app: App) => Promise<void>): Promise<void> {
  const config = cli.load();
  const app = await cli.open(config, cli.log(config, true));
  try {
    await work(app);
  } finally {
    await app.stop();
  }
}
