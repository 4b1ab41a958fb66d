import { Command } from 'commander';
import type { OrderView } from '../app.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { bold, dim, oneLine } from './show.ts';
import { withApp } from './with-app.ts';

export const ordersCommand = (cli: Cli) => {
  const orders = new Command('orders')
    .description('Standing orders: tickets that the agent takes by itself, and what they came to today.')
    .action(() =>
      withApp(cli, async ({ operations: { ownWork } }) => {
        const views = await ownWork.orders();
        if (views.length === 0) cli.print('There are no standing orders. Name one under "orders" in shipmate.yaml.');
        for (const view of views) {
          cli.print(showOrder(view));
          // Its tracker is asked only where something may come of it.
          if (view.idle !== null) continue;
          const next = await ownWork.nextOf(view.order.name, cli.signal);
          cli.print(next ? `  next: ${next.identifier} ${oneLine(next.title)}` : dim('  next: nothing fits now'));
        }
      }),
    );
  orders
    .command('run <name>')
    .description(
      'Have an order take what it may now, without waiting for its next round. A running service does the work.',
    )
    .option('--dry-run', 'only show what it would take next')
    .action((name: string, { dryRun = false }: { dryRun?: boolean }) =>
      withApp(cli, async ({ operations: { ownWork } }) => {
        const view = (await ownWork.orders()).find(({ order }) => order.name === name);
        if (!view) throw new CliError(`There is no standing order "${name}". \`shipmate orders\` shows what there is.`);
        if (view.idle !== null) return cli.print(`${name} takes nothing now: ${view.idle}.`);
        if (dryRun) {
          const next = await ownWork.nextOf(name, cli.signal);
          return cli.print(
            next ? `${name} would take ${next.identifier} ${oneLine(next.title)}` : `Nothing fits ${name} now.`,
          );
        }
        await ownWork.runOrder(name, cli.signal);
        const after = (await ownWork.orders()).find(({ order }) => order.name === name);
        const taken = after?.picks.slice(view.picks.length) ?? [];
        if (taken.length === 0) cli.print(`Nothing fits ${name} now.`);
        for (const { hint } of taken) cli.print(`Took ${hint.identifier} ${oneLine(hint.title)}`);
      }),
    );
  return orders;
};

function showOrder({ order, today, picks, idle, many, unpriced }: OrderView): string {
  const { perDay, usdPerDay } = order;
  const money = usdPerDay === null ? `${today.usd.toFixed(2)} USD` : `${today.usd.toFixed(2)} of ${usdPerDay} USD`;
  const given = today.declined === 0 ? '' : `, ${today.declined} given back`;
  return [
    `${bold(order.name)}  ${today.taken} of ${perDay} today${given}, ${money}${idle === null ? '' : `; takes nothing now: ${idle}`}`,
    ...(many ? [dim('  matches more than 1,000 tickets: it looks at 500 of them at a time, oldest first')] : []),
    ...(unpriced !== null && usdPerDay !== null
      ? [dim(`  what ${unpriced} costs is not known, so its money stops nothing: name the price under models.prices`)]
      : []),
    ...picks.map(({ hint, state, rating, session }) => {
      const stands =
        state === 'taken'
          ? (session ?? 'taken')
          : { taking: 'being taken', skipped: 'was not to be had', declined: `given back: ${rating}` }[state];
      return `  ${hint.identifier.padEnd(10)} ${stands}  ${dim(oneLine(hint.title))}`;
    }),
  ].join('\n');
}
