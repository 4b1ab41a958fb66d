import { Command } from 'commander';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { dim, oneLine, shipmate } from './show.ts';
import { withApp } from './with-app.ts';

/** Which repositories people named for projects and teams. */
export const routesCommand = (cli: Cli) => {
  const routes = new Command('routes').description(
    'Where tickets go: what people answered when they were asked for a repository.',
  );
  routes
    .command('list', { isDefault: true })
    .description('List the rules of shipmate.yaml, and what is remembered.')
    .action(() =>
      withApp(cli, async (app, config) => {
        for (const { project, team, label, repository } of config.routes) {
          const named = Object.entries({ project, team, label }).filter(([, name]) => name !== undefined);
          const which =
            named.map(([kind, name]) => `${kind} "${oneLine(name ?? '')}"`).join(', ') || 'all other tickets';
          cli.print(`${which}: ${repository}  ${dim('routes in shipmate.yaml')}`);
        }
        const remembered = await app.operations.listRoutes();
        for (const { scope, repository, by, at } of remembered)
          cli.print(
            `${scope.kind} "${oneLine(scope.name)}": ${repository}  ${dim(`${oneLine(by.name)}, ${at.toISOString()}`)}`,
          );
        if (remembered.length + config.routes.length === 0) cli.print('There are no rules, and nothing is remembered.');
        if (remembered.length > 0) cli.print(`\nTo be asked again: ${shipmate} routes forget NAME`);
      }),
    );
  routes
    .command('forget <name>')
    .description('Forget what was answered for a project or team; its next ticket is asked about again.')
    .action((name: string) =>
      withApp(cli, async (app) => {
        if ((await app.operations.forgetRoutes(name)) === 0)
          throw new CliError(`Nothing is remembered for "${name}". To see what is: ${shipmate} routes`);
        cli.print(`Forgotten: "${name}". The next ticket of it that does not tell its repository is asked about.`);
      }),
    );
  return routes;
};
