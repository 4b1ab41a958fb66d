import { Command } from 'commander';
import type { ToolServerView } from '../app.ts';
import { askLetter, canAsk } from './ask-person.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { bad, bold, dim, good, notable, oneLine, shipmate } from './show.ts';
import { withApp } from './with-app.ts';

/** Tool servers of others: what is pinned of them, and what changed. */
export const toolsCommand = (cli: Cli) => {
  const tools = new Command('tools').description(
    'Tool servers of others (toolServers in shipmate.yaml): whether they are as they were when they were first used.',
  );
  tools
    .command('list', { isDefault: true })
    .description('List the servers, what is pinned of them, and which are switched off. Starts none.')
    .action(() =>
      withApp(cli, async ({ operations: { otherServers } }) => {
        const views = await otherServers.list();
        if (views.length === 0)
          cli.print('There are no tool servers of others. Name one under "toolServers" in shipmate.yaml.');
        for (const view of views) cli.print(describe(view));
      }),
    );
  tools
    .command('check <name>')
    .description(
      'Start a server and show its tools. They are pinned if it was never used; if they are others than the pinned ones, it is switched off, and on again if they are the same.',
    )
    .action((name: string) =>
      withApp(cli, async ({ operations: { otherServers } }) => {
        const view = await otherServers.check(name, cli.signal).catch((error: Error) => {
          throw new CliError(`The tool server "${name}" could not be started: ${oneLine(error.message)}`);
        });
        if (!view) throw unknown(name);
        cli.print(describe(view));
        for (const { name: tool, description, changes } of view.tools)
          cli.print(
            `  ${bold(oneLine(tool))}${changes ? notable('  changes something, as it says') : ''}\n    ${dim(oneLine(description).slice(0, 300))}`,
          );
        if (view.difference !== null) cli.print(`\n${shown(view.difference)}`);
      }),
    );
  tools
    .command('accept <name>')
    .description(
      'Show how the tools of a server differ from the pinned ones, and accept them: it is switched on again.',
    )
    .option('-y, --yes', 'do not ask')
    .action((name: string, { yes = false }: { yes?: boolean }) =>
      withApp(cli, async ({ operations: { otherServers } }) => {
        const view = (await otherServers.list()).find((each) => each.name === name);
        if (!view) throw unknown(name);
        if (view.difference === null)
          return cli.print(
            view.version === null
              ? `${name} was never used. Its tools are pinned when it is, or with: ${shipmate} tools check ${name}`
              : `${name} is on: nothing is known to have changed. To look now: ${shipmate} tools check ${name}`,
          );
        cli.print(shown(view.difference));
        if (!yes && !canAsk(cli))
          throw new CliError(`Nothing was accepted. Read the above, then: ${shipmate} tools accept ${name} --yes`);
        if (!yes && (await askLetter(cli, `Accept these tools of ${name}? (y/n) `, ['y', 'n'], 'n')) === 'n')
          return cli.print(`${name} stays switched off.`);
        if (!(await otherServers.accept(view)))
          throw new CliError(
            `The tools of ${name} changed while you looked. Look again: ${shipmate} tools accept ${name}`,
          );
        cli.print(`Accepted. ${name} is on from the next run.`);
      }),
    );
  return tools;
};

function describe({ name, where, version, since, seenVersion, difference, problems }: ToolServerView): string {
  const state = difference !== null ? bad('off') : version === null ? dim('never used') : good('on');
  const pinned =
    version === null
      ? ''
      : `  version ${oneLine(version)}, pinned ${since?.toISOString().slice(0, 16).replace('T', ' ')}`;
  return [
    `${bold(name)}  ${state}${pinned}  ${dim(oneLine(where))}`,
    ...(seenVersion === null ? [] : [dim(`  last seen as version ${oneLine(seenVersion)}`)]),
    ...(difference === null
      ? []
      : [
          notable(
            `  its tools are not those that are pinned. See how, and accept them: ${shipmate} tools accept ${name}`,
          ),
        ]),
    ...problems.map((problem) => notable(`  ${oneLine(problem)}`)),
  ].join('\n');
}

/** What could move the cursor was taken out when it was pinned. */
function shown(difference: string): string {
  const paint = (line: string) => (line.startsWith('+') ? good(line) : line.startsWith('-') ? bad(line) : line);
  return difference.split('\n').map(paint).join('\n');
}

function unknown(name: string): CliError {
  return new CliError(`There is no tool server "${name}" under toolServers in shipmate.yaml. See: ${shipmate} tools`);
}
