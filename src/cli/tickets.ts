import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename } from 'node:path';
import { Argument, Command, Option } from 'commander';
import type { App } from '../app.ts';
import { lasting } from '../core/activity.ts';
import { type Person, type Priority, priorities, type RelationType, relationTypes } from '../core/ticket.ts';
import { ticketTemplate } from '../core/ticket-template.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { asTyped, bold, dim, oneLine, showActivity, showPlan } from './show.ts';
import { readTicketFile } from './ticket-file.ts';

/** What people do on the board, from a terminal. */
export const ticketsCommand = (cli: Cli) => {
  const tickets = new Command('tickets').description('File, read and change tickets on the board.');
  const act = <T>(work: (app: App, me: Person, agent: string) => Promise<T>) => onBoard(cli, work);

  tickets
    .command('list', { isDefault: true })
    .description('List tickets, newest first.')
    .option('--limit <number>', 'how many at most', '20')
    .action(({ limit }: { limit: string }) =>
      act(async (app) => {
        const found = await app.desk.list({ limit: positive(limit, '--limit') });
        if (found.length === 0) cli.print(asTyped('There are no tickets. File one: shipmate tickets create "Title"'));
        for (const ticket of found)
          cli.print(
            `${ticket.identifier.padEnd(10)} ${ticket.state.name.padEnd(12)} ${(ticket.assignee?.name ?? '').padEnd(12)} ${oneLine(ticket.title)}`,
          );
      }),
    );

  tickets
    .command('show <ticket>')
    .description('Show a ticket with its plan, activities and pull request.')
    .option('--json', 'as JSON')
    .action((ticket: string, { json }: { json?: boolean }) =>
      act(async (app) => {
        const view = await app.desk.show(ticket);
        if (json) return cli.print(JSON.stringify(view, null, 2));
        const { identifier, title, state, assignee, priority, labels, fields, description } = view.ticket;
        const { comments, relations, attachments } = view.ticket;
        cli.print(`${bold(identifier)} ${oneLine(title)}`);
        cli.print(
          dim(
            `${state.name} · ${assignee?.name ?? 'nobody'} · priority ${priority}${labels.map((label) => ` · ${label}`).join('')}`,
          ),
        );
        for (const [name, value] of Object.entries(fields)) cli.print(`${name}: ${oneLine(value)}`);
        for (const { type, ticket: other, category } of relations)
          cli.print(`${type}: ${other.identifier} ${oneLine(other.title)} ${dim(category)}`);
        if (description) cli.print(`\n${description}`);
        for (const { name: file, bytes } of attachments) cli.print(`\nFile: ${oneLine(file)} (${bytes} bytes)`);
        for (const comment of comments) cli.print(`\n${bold(comment.author.name)} ${dim(comment.at)}\n${comment.body}`);
        if (view.plan.length > 0) cli.print(`\n${showPlan(view.plan)}`);
        if (view.activities.length > 0) cli.print('');
        for (const { activity } of lasting(view.activities)) cli.print(showActivity(activity));
        for (const { title: name, url } of view.attachments) cli.print(`\nPull request: ${name}\n${url}`);
      }),
    );

  tickets
    .command('create [title]')
    .description('File a ticket, from a title or from a file (YAML front matter, "# Title", text).')
    .option('--file <file>', 'a Markdown file to read it from')
    .option('--description <text>', 'what it is about')
    .addOption(new Option('--priority <priority>', 'how urgent').choices(priorities))
    .option('--label <label...>', 'labels')
    .option('--field <name=value...>', 'custom fields, such as repository=web')
    .option('--assign', 'assign it to Shipmate at once')
    .action((title: string | undefined, options: CreateOptions) =>
      act(async (app, me, agent) => {
        const draft = options.file ? await readTicketFile(options.file) : { title: title ?? '' };
        const made = await app.desk.createTicket(
          {
            ...draft,
            ...(title !== undefined && { title }),
            ...(options.description !== undefined && { description: options.description }),
            ...(options.priority && { priority: options.priority }),
            ...(options.label && { labels: options.label }),
            ...(options.field && { fields: Object.fromEntries(options.field.map(splitField)) }),
            ...(options.assign && { assignee: agent }),
          },
          me,
        );
        cli.print(`${made.identifier} ${oneLine(made.title)}`);
      }),
    );

  tickets
    .command('assign <ticket> [name]')
    .description('Assign a ticket; to Shipmate when nobody is named.')
    .action((ticket: string, name: string | undefined) =>
      act(async (app, me, agent) => {
        const { identifier, assignee } = await app.desk.assign(ticket, name ?? agent, me);
        cli.print(`${identifier} is assigned to ${assignee?.name}.`);
      }),
    );

  tickets
    .command('unassign <ticket>')
    .description('Take a ticket from whoever has it.')
    .action((ticket: string) =>
      act(async (app, me) => cli.print(`${(await app.desk.unassign(ticket, me)).identifier} is assigned to nobody.`)),
    );

  tickets
    .command('comment <ticket> <text>')
    .description('Write a comment. "stop" stops the work; an answer or a new wish goes to the agent.')
    .action((ticket: string, text: string) =>
      act(async (app, me) => {
        await app.desk.comment(ticket, text, me);
        cli.print('Said.');
      }),
    );

  tickets
    .command('attach <ticket> <file>')
    .description('Add a file to a ticket: a mockup, a log. The agent is given text, and images if its model can see.')
    .action((ticket: string, file: string) =>
      act(async (app, me) => {
        const content = await readFile(file).catch((error: Error) => {
          throw new CliError(`The file cannot be read: ${error.message}`);
        });
        const { name, bytes } = await app.desk.attach(ticket, basename(file), content, me);
        cli.print(`Attached ${oneLine(name)} (${bytes} bytes).`);
      }),
    );

  tickets
    .command('template')
    .description('Print a ticket to fill in, all of whose parts are understood: shipmate tickets create --file FILE.')
    .action(() => cli.print(ticketTemplate.trimEnd()));

  tickets
    .command('move <ticket> <state>')
    .description('Move a ticket to a state, such as "Done".')
    .action((ticket: string, state: string) =>
      act(async (app, me) => {
        const moved = await app.desk.move(ticket, state, me);
        cli.print(`${moved.identifier} is in "${moved.state.name}".`);
      }),
    );

  tickets
    .command('relate')
    .description(
      'Relate two tickets: "BOARD-2 blockedBy BOARD-1", or "BOARD-1 child BOARD-3" for a sub-ticket of BOARD-1.',
    )
    .argument('<ticket>')
    .addArgument(new Argument('<relation>').choices(relationTypes))
    .argument('<other>')
    .action((ticket: string, type: RelationType, other: string) =>
      act(async (app, me) => {
        const { identifier } = await app.desk.relate(ticket, type, other, me);
        cli.print(`${identifier}: ${type} ${other}.`);
      }),
    );

  tickets
    .command('unrelate <ticket> <other>')
    .description('Take the relations between two tickets away.')
    .action((ticket: string, other: string) =>
      act(async (app, me) =>
        cli.print(`${(await app.desk.unrelate(ticket, other, me)).identifier}: no relation to ${other}.`),
      ),
    );

  return tickets;
};

interface CreateOptions {
  file?: string;
  description?: string;
  priority?: Priority;
  label?: string[];
  field?: string[];
  assign?: boolean;
}

async function onBoard<T>(cli: Cli, work: (app: App, me: Person, agent: string) => Promise<T>): Promise<void> {
  const config = cli.load();
  const app = await cli.open(config, cli.log(config, true));
  try {
    await work(app, whoami(), config.trackers.board.agent);
  } finally {
    await app.stop();
  }
}

/** Whoever sits at this terminal. */
export function whoami(): Person {
  const name = userInfo().username;
  return { id: name, name, isBot: false };
}

function splitField(field: string): [string, string] {
  const at = field.indexOf('=');
  if (at < 1) throw new CliError(`--field takes name=value, not "${field}".`);
  return [field.slice(0, at).trim(), field.slice(at + 1).trim()];
}

export function positive(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new CliError(`${option} takes a whole number of at least 1, not "${text}".`);
  return number;
}
