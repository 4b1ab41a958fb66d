import { Command } from 'commander';
import type { Cli } from './program.ts';

export const migrateCommand = (cli: Cli) =>
  new Command('migrate')
    .description("Bring the database up to this version's schema. The other commands do so as well.")
    .action(async () => {
      const { migrateDatabase } = await import('../app.ts');
      const applied = await migrateDatabase(cli.load());
      cli.print(applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`);
    });
