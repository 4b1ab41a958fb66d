import { Command } from 'commander';
import { migrateDatabase } from '../app.ts';
import type { Cli } from './program.ts';

export const migrateCommand = (cli: Cli) =>
  new Command('migrate')
    .description("Bring the database up to this version's schema. The other commands do so as well.")
    .action(async () => {
      const applied = await migrateDatabase(cli.load());
      cli.print(applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`);
    });
