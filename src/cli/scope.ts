import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { App } from '../app.ts';
import { describeEstimate, type Estimate } from '../core/estimate.ts';
import type { Confidence, Size } from '../core/scope.ts';
import type { TicketHint } from '../core/ticket.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { bad, bold, dim, good, notable, oneLine } from './show.ts';
import { positive } from './tickets.ts';

interface ScopeOptions {
  label?: string[];
  team?: string;
  limit: string;
  json?: boolean;
  post?: boolean;
}

/** What `scope --json` prints of each ticket. `problem`: why it was not rated, or is not for the agent. */
interface ScopedTicket {
  ticket: string;
  title: string;
  confidence: Confidence | null;
  size: Size | null;
  files: string[];
  plan: string[];
  questions: string[];
  estimate: Estimate | null;
  problem: string | null;
}

const lookEveryMs = 200;
/** A worker that has nothing to do takes a run within a second. */
const workersHaveMs = 3_000;

/** Rates tickets without working on them. */
export const scopeCommand = (cli: Cli, exit: (code: number) => void) =>
  new Command('scope')
    .description('Rate tickets without working on them: how clear and how large they are, and what is open.')
    .argument('[tickets...]', 'such as BOARD-1; none: the open tickets that fit --label and --team')
    .option('--label <label...>', 'open tickets with all of these labels')
    .option('--team <team>', 'open tickets of this team')
    .option('--limit <number>', 'how many of them at most', '20')
    .option('--json', 'print one JSON document at the end and nothing else')
    .option('--post', 'comment each rating on its ticket; otherwise nothing is written there')
    .addHelpText(
      'after',
      '\nCtrl-C leaves: ratings that are under way are made by a running service, or when this is run again. Exit code 0: all were rated.',
    )
    .action(async (tickets: string[], options: ScopeOptions) => exit(await scope(cli, tickets, options)));

async function scope(cli: Cli, identifiers: string[], options: ScopeOptions): Promise<number> {
  const isFiltered = options.label !== undefined || options.team !== undefined;
  if (identifiers.length > 0 && isFiltered)
    throw new CliError('Name tickets, or say which with --label and --team; not both.');
  if (identifiers.length === 0 && !isFiltered)
    throw new CliError('Name tickets, such as BOARD-1, or say which with --label or --team.');
  const limit = positive(options.limit, '--limit');
  const config = cli.load();
  const app = await cli.open(config, cli.log(config, true));
  try {
    const { found: tickets, isMore } = await chosen(cli, app, identifiers, options, limit);
    const say = options.json ? () => {} : cli.print;
    if (tickets.length > 0) say(dim(row(['ticket', 'rated', 'size', 'estimate', 'open questions'])));
    const results = await rateAll(cli, app, tickets, options.post ?? false, (result) => say(show(result)));
    if (options.json) cli.print(JSON.stringify(results, null, 2));
    else if (tickets.length === 0) cli.print('No open ticket fits.');
    if (isMore)
      cli.surroundings.stderr.write(
        `More than ${limit} open tickets fit; these are the first. Use --limit for more.\n`,
      );
    return results.every(({ confidence }) => confidence !== null) ? 0 : 1;
  } finally {
    await app.stop();
  }
}

async function chosen(
  cli: Cli,
  app: App,
  identifiers: string[],
  { label, team }: ScopeOptions,
  limit: number,
): Promise<{ found: TicketHint[]; isMore: boolean }> {
  if (identifiers.length === 0)
    return app.operations.scoping.list(
      { ...(label && { labels: label }), ...(team !== undefined && { team }) },
      limit,
      cli.signal,
    );
  const { found, missing } = await app.operations.scoping.find(identifiers, cli.signal);
  const [first] = missing;
  if (first !== undefined)
    throw new CliError(
      `There is no open ticket ${missing.join(', ')}. Name them as the tracker does; what is done or canceled is not rated.`,
    );
  return { found, isMore: false };
}

/** Asks for all of them at once, and tells each as it comes. Workers elsewhere do it; where there is none, this process. */
async function rateAll(
  cli: Cli,
  app: App,
  tickets: TicketHint[],
  told: boolean,
  onResult: (result: ScopedTicket) => void,
): Promise<ScopedTicket[]> {
  const results = new Map<string, ScopedTicket>();
  const open = new Map<string, TicketHint>();
  const settle = (ticket: TicketHint, made: Partial<ScopedTicket>) => {
    const none = { confidence: null, size: null, files: [], plan: [], questions: [], estimate: null, problem: null };
    const result = { ticket: ticket.identifier, title: ticket.title, ...none, ...made };
    results.set(ticket.identifier, result);
    onResult(result);
  };
  for (const ticket of tickets) {
    const { sessionId, isGiven } = await app.operations.scoping.ask(ticket, told);
    if (isGiven) settle(ticket, { problem: 'it is assigned to Shipmate, who rates it before work' });
    else open.set(sessionId, ticket);
  }
  const askedAt = performance.now();
  let isWorking = false;
  while (open.size > 0) {
    const scopings = await app.operations.scoping.read([...open.keys()]);
    for (const { sessionId, outcome, rating } of scopings) {
      const ticket = open.get(sessionId);
      if (!ticket || !outcome) continue;
      open.delete(sessionId);
      const notOurs = outcome.never === undefined ? null : `not for Shipmate: ${outcome.never}`;
      settle(ticket, rating ? { ...rating, problem: notOurs } : { problem: oneLine(outcome.message) });
    }
    if (open.size === 0) break;
    const isLate = performance.now() - askedAt > workersHaveMs && !scopings.some(({ isBegun }) => isBegun);
    if (!isWorking && isLate && !(await app.operations.scoping.isAnyAtWork())) {
      isWorking = true;
      await app.startWorking('scope');
    }
    await delay(lookEveryMs, undefined, { signal: cli.signal });
  }
  if (told && isWorking) await untilSent(app, tickets, cli.signal);
  return tickets.flatMap(({ identifier }) => results.get(identifier) ?? []);
}

/** What this process wrote leaves with it. */
async function untilSent(app: App, tickets: TicketHint[], signal: AbortSignal): Promise<void> {
  for (const { identifier } of tickets)
    while ((await app.sessions.view(identifier))?.unsent.some(({ state }) => state === 'pending'))
      await delay(lookEveryMs, undefined, { signal });
}

function show({ ticket, title, confidence, size, estimate, questions, problem }: ScopedTicket): string {
  if (confidence === null) return `${row([ticket, 'not rated'])} ${oneLine(problem ?? '')}  ${dim(oneLine(title))}`;
  const paint = { green: good, yellow: notable, red: bad }[confidence];
  const expected = estimate ? describeEstimate(estimate).replace(/ \(.*/, '') : 'nothing to compare with';
  const line = `${row([bold(ticket), paint(confidence), size ?? '', expected, String(questions.length)])}${dim(oneLine(title))}`;
  const more = [...(problem === null ? [] : [problem]), ...questions];
  return [line, ...more.map((each) => `             ${oneLine(each)}`)].join('\n');
}

const widths = [12, 10, 6, 28, 16];

/** Cells of a table; what colours them takes no room. */
function row(cells: string[]): string {
  return cells.map((cell, index) => cell + ' '.repeat(Math.max(1, (widths[index] ?? 0) - bare(cell).length))).join('');
}

function bare(text: string): string {
  return text.replace(/\u001b\[\d+m/g, '');
}
