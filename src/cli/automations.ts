import { Command } from 'commander';
import type { AutomationView } from '../app.ts';
import type { Cli } from './program.ts';
import { bold, dim, oneLine } from './show.ts';
import { withApp } from './with-app.ts';

export const automationsCommand = (cli: Cli) => {
  const automations = new Command('automations').description('Automations: tickets that are filed by the clock.');
  automations
    .command('list')
    .description('Show them: when each comes next, what the last ones came to, which are paused and why.')
    .action(() =>
      withApp(cli, async ({ operations: { ownWork } }) => {
        const views = await ownWork.automations();
        if (views.length === 0) cli.print('There are no automations. Name one under "automations" in shipmate.yaml.');
        for (const view of views) cli.print(show(view));
      }),
    );
  automations
    .command('run <name>')
    .description('File the ticket of one now, paused or not. A running service does the work.')
    .action((name: string) =>
      withApp(cli, async ({ operations: { ownWork } }) => {
        const skipped = await ownWork.runAutomation(name, cli.signal);
        const [last] = (await ownWork.automations()).find(({ automation }) => automation.name === name)?.runs ?? [];
        cli.print(skipped === null ? `Filed ${last?.hint?.identifier ?? 'soon'}.` : `Skipped: ${skipped}.`);
      }),
    );
  automations
    .command('pause <name>')
    .description('File nothing until it is resumed.')
    .action((name: string) =>
      withApp(cli, async ({ operations: { ownWork } }) => {
        const isNew = await ownWork.pauseAutomation(name);
        cli.print(isNew ? `${name} is paused.` : `${name} was paused already.`);
      }),
    );
  automations
    .command('resume <name>')
    .description('Go on, from its next time. What was due meanwhile is not made up for; earlier failures do not count.')
    .action((name: string) =>
      withApp(cli, async ({ operations: { ownWork } }) => {
        const isNew = await ownWork.resumeAutomation(name);
        cli.print(isNew ? `${name} goes on.` : `${name} was not paused.`);
      }),
    );
  return automations;
};

function show({ automation: { name, cron, timezone, template }, paused, next, runs }: AutomationView): string {
  const what = typeof template === 'string' ? template : template.title;
  const when = paused === null ? `next ${next.toISOString().slice(0, 16).replace('T', ' ')} UTC` : `paused: ${paused}`;
  return [
    `${bold(name)}  ${cron} ${timezone}  ${oneLine(what)}  ${when}`,
    ...runs.map(({ dueAt, state, hint, session, reason }) => {
      const stands = session?.state ?? (reason === null ? state : `${state}: ${oneLine(reason)}`);
      return `  ${dim(dueAt.toISOString().slice(0, 16).replace('T', ' '))} ${(hint?.identifier ?? '').padEnd(10)} ${stands}`;
    }),
  ].join('\n');
}
