import { Command } from 'commander';
import type { Cli } from './program.ts';
import { withApp } from './with-app.ts';

export const summaryCommand = (cli: Cli) =>
  new Command('summary')
    .description(
      'Show what automations found and standing orders took since the last summary, and what waits for people.',
    )
    .action(() =>
      withApp(cli, async ({ operations: { ownWork } }) => {
        cli.print(
          (await ownWork.summary()) ?? 'Nothing was begun by itself since the last summary, and nothing new waits.',
        );
      }),
    );
