import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import type { App } from '../app.ts';
import { lasting } from '../core/activity.ts';
import { CliError } from './cli-error.ts';
import { followSession } from './follow.ts';
import type { Cli } from './program.ts';
import { bold, dim, money, oneLine, seconds, shipmate, showActivity, showEvidence, showPlan } from './show.ts';
import { positive, whoami } from './tickets.ts';
import { withApp } from './with-app.ts';

/** Shipmate's work, session by session. */
export const sessionsCommand = (cli: Cli) => {
  const sessions = new Command('sessions').description(
    "Look at Shipmate's work, one session a ticket; stop it, or do again what failed.",
  );
  sessions
    .command('list', { isDefault: true })
    .description('List sessions, latest first.')
    .option('--limit <number>', 'how many at most', '20')
    .action(({ limit }: { limit: string }) =>
      withApp(cli, async (app) => {
        const found = await app.sessions.list(positive(limit, '--limit'));
        if (found.length === 0) cli.print(`There are no sessions. Assign a ticket: ${shipmate} tickets assign BOARD-1`);
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
        if (!view) throw await noSession(app, ticket);
        if (json) return cli.print(JSON.stringify(view, null, 2));
        cli.print(`${bold(view.ticket.identifier)} ${oneLine(view.ticket.title)}  ${dim(view.state)}`);
        cli.print(dim([view.repository, view.baseBranch, view.branch].filter(Boolean).join(' · ')));
        if (view.plan.length > 0) cli.print(`\n${showPlan(view.plan)}`);
        if (view.activities.length > 0) cli.print('');
        for (const { activity } of lasting(view.activities)) cli.print(showActivity(activity));
        if (view.decisions.length > 0) cli.print(bold('\nDecisions'));
        for (const decision of view.decisions) cli.print(`- ${oneLine(decision)}`);
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
        if (view.pullRequest)
          cli.print(`\n${view.pullRequest.url}${view.progress === null ? '' : dim(`  ${view.progress}`)}`);
        if (view.page) cli.print(`\n${dim('to look at, for whoever has this address:')} ${view.page}`);
      }),
    );
  sessions
    .command('evidence <ticket>')
    .description('Write the files that were kept (screenshots, reports) into a directory.')
    .requiredOption('--to <dir>', 'where to')
    .action((ticket: string, { to }: { to: string }) =>
      withApp(cli, async (app) => {
        const view = await app.sessions.view(ticket);
        if (!view) throw await noSession(app, ticket);
        const files = await app.sessions.files(view.id);
        const dir = resolve(cli.surroundings.cwd, to);
        for (const { path, content } of files) {
          const file = join(dir, path);
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, content);
          cli.print(file);
        }
        if (files.length === 0)
          cli.print(
            'No files were kept: commands left nothing in $SHIPMATE_EVIDENCE, and no tool server returned an image.',
          );
      }),
    );
  sessions
    .command('stop <ticket>')
    .description('Stop the work on a ticket. It can be continued: comment "continue".')
    .action((ticket: string) =>
      withApp(cli, async (app) => {
        const stopped = await app.operations.stopSession(ticket, whoami());
        if (stopped === null) throw await noSession(app, ticket);
        cli.print(stops[stopped](ticket));
      }),
    );
  sessions
    .command('failed')
    .description('List what failed for good: effects that could not be sent, deliveries that could not be sorted.')
    .option('--limit <number>', 'how many of each at most', '20')
    .action(({ limit }: { limit: string }) =>
      withApp(cli, async (app) => {
        const { deliveries, effects } = await app.operations.listDeadLetters(positive(limit, '--limit'));
        for (const { ticket, key, failedAt, reason } of effects)
          cli.print(`${ticket.padEnd(10)} ${dim(failedAt.toISOString())} ${nameOf(key)}: ${oneLine(reason)}`);
        if (effects.length > 0) cli.print(`\nTo have one sent again: ${shipmate} sessions redrive TICKET\n`);
        for (const { source, deliveryId, receivedAt, reason } of deliveries)
          cli.print(`${source} delivery ${deliveryId} ${dim(receivedAt.toISOString())}: ${oneLine(reason)}`);
        if (deliveries.length > 0) cli.print(`\nTo have them sorted again: ${shipmate} sessions redrive --deliveries`);
        if (effects.length + deliveries.length === 0) cli.print('Nothing has failed for good.');
      }),
    );
  sessions
    .command('redrive [ticket]')
    .description(
      "Do again what failed for good: send a ticket's effects, or sort deliveries. A running service does it.",
    )
    .option('--deliveries', 'the deliveries that could not be sorted')
    .action((ticket: string | undefined, { deliveries = false }: { deliveries?: boolean }) =>
      withApp(cli, async (app) => {
        if (ticket === undefined && !deliveries) throw new CliError('Name a ticket, or say --deliveries.');
        if (ticket !== undefined) {
          const effects = await app.operations.redriveTicket(ticket);
          if (effects === null) throw await noSession(app, ticket);
          cli.print(effects === 0 ? `Nothing of ${ticket} has failed.` : `${effects} effect(s) are sent again.`);
        }
        if (deliveries) cli.print(`${await app.operations.redriveDeliveries()} deliveries are sorted again.`);
      }),
    );
  sessions
    .command('ratings')
    .description('Compare how tickets were rated with what came of them.')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) =>
      withApp(cli, async (app) => {
        const standings = await app.operations.compareRatings();
        if (json) return cli.print(JSON.stringify(standings, null, 2));
        if (standings.length === 0) return cli.print('No ticket was rated yet.');
        cli.print(dim('rated    tickets  ended  finished  proved  estimate off by (median)'));
        for (const { confidence, rated, ended, finished, proved, minutesOff, usdOff } of standings)
          cli.print(
            `${confidence.padEnd(8)} ${[rated, ended, finished, proved].map((count, index) => String(count).padStart([7, 6, 9, 7][index] ?? 0)).join(' ')}  ${describeOff(minutesOff, usdOff)}`,
          );
      }),
    );
  return sessions;
};

type Stopped = NonNullable<Awaited<ReturnType<App['operations']['stopSession']>>>;
const stops: Record<Stopped, (ticket: string) => string> = {
  asked: () => 'A stop is requested.',
  stopped: (ticket) => `${ticket} is stopped.`,
  onItsWay: (ticket) =>
    `The work on ${ticket} is finished and on its way as a pull request, which cannot be called back. Close it if it is not wanted.`,
  nothing: () => 'Nothing is running.',
};

function describeOff(minutes: number | null, usd: number | null): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  if (minutes === null) return 'nothing to compare yet';
  return usd === null
    ? `${percent(minutes)} of the time`
    : `${percent(minutes)} of the time, ${percent(usd)} of the cost`;
}

/** An effect's key without its session's id. */
function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

/** Why there is nothing to show: people mistype tickets, and forget to assign them. */
export async function noSession(app: App, ticket: string): Promise<Error> {
  await app.desk.show(ticket); // says that there is no such ticket
  return new CliError(`${ticket} has no session. Assign it: ${shipmate} tickets assign ${ticket}`);
}

export const watchCommand = (cli: Cli) =>
  new Command('watch')
    .description('Follow what Shipmate does on a ticket, live, until it rests. Ctrl-C leaves it working.')
    .argument('<ticket>', 'such as BOARD-1')
    .action((ticket: string) =>
      withApp(cli, async (app) => {
        const view = await app.sessions.view(ticket);
        if (!view) throw await noSession(app, ticket);
        await followSession(app, view.id, ticket, {
          activity: ({ activity }) => cli.print(showActivity(activity)),
          plan: (plan) => cli.print(showPlan(plan)),
          signal: cli.signal,
        });
      }),
    );
