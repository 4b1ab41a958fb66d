import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import type { Asked, Capture, CaptureResult } from '../../mcp-servers/tickets/capture.ts';
import { deliver, fileAnyhow } from '../../mcp-servers/tickets/deliver.ts';
import { gather } from '../../mcp-servers/tickets/gather/gather.ts';
import { createSpool, keepWith, type Spool, spoolDir } from '../../mcp-servers/tickets/spool.ts';
import { alertSources } from '../alerts/index.ts';
import { captureKinds } from '../core/capture.ts';
import { priorities } from '../core/ticket.ts';
import { askLetter, canAsk } from './ask-person.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { asTyped } from './show.ts';
import { readAsked, type TicketOptions } from './ticket-asked.ts';
import { deliverForADay, dropKept, findKept, listKept, startDelivering, tellNews } from './ticket-kept.ts';
import { findTicketPlace, openTicketMaker, type TicketMaker, type TicketPlace } from './ticket-place.ts';
import { askAbout, describeDuplicate, tellResult } from './ticket-said.ts';

interface Options extends TicketOptions {
  json?: true;
  template?: true;
  kept?: true;
  again?: string;
  drop?: string;
  deliver?: true;
  background: boolean;
}

const repeatable = (value: string, before: string[]) => [...before, value];

/** Files what one comes upon, with what can be found out, and lets one go on. */
export function ticketCommand(cli: Cli): Command {
  const command = new Command('ticket')
    .description('File what you come upon while you code: the clone, the error and the versions are looked up.')
    .argument('[title]', 'what it is about, in one line')
    .option('--notes <text>', 'what is wanted or what happened, and why')
    .option('--at <place>', 'code that it is about: path, path:line or path:from-to; repeatable', repeatable, [])
    .option('--error <file>', 'what the failing command said; -: what is piped in')
    .option('--command <text>', 'the failing command')
    .option('--exit-code <number>', 'of the failing command')
    .option('--step <text>', 'how to see it, a step each; repeatable', repeatable, [])
    .option('--expected <text>', 'what should happen instead')
    .option('--criterion <text>', 'what must hold when it is done; repeatable', repeatable, [])
    .addOption(new Option('--kind <kind>', 'what it is').choices(captureKinds))
    .addOption(new Option('--priority <priority>', 'how urgent').choices(priorities))
    .option('--label <label>', 'a label; repeatable', repeatable, [])
    .option('--team <name>', 'default: by routes, CODEOWNERS and the repository')
    .option('--project <name>', 'default: by routes, CODEOWNERS and the repository')
    .option('--repository <name>', 'as configured; default: by the remotes of this clone')
    .option('--related <ticket>', 'a ticket that it has to do with; repeatable', repeatable, [])
    .option('--assign', 'the agent begins at once (default: as configured)')
    .option('--no-assign', 'the agent does not')
    .option('--dry-run', 'show what would be filed, and what is like it')
    .option('--add-to <ticket>', 'add it to this ticket instead')
    .option('--new', 'file it although there is one like it')
    .option('--list <file>', 'a review, notes or a list: a ticket for each item; -: what is piped in')
    .option('--from <address>', "an error's page: what a source of alerts knows of it is filed")
    .option('--template', 'print the form that tickets are written by, to make your own from')
    .option('--json', 'print what came of it as JSON; nothing is asked')
    .option('--kept', 'list what is kept on this machine and not filed yet')
    .option('--again <id>', 'send one of these again (with --add-to, or --new)')
    .option('--drop <id>', 'forget one of these')
    .option('--deliver', 'send what waits, again and again for up to a day, until nothing does')
    .option('--no-background', 'where the service is away: start no process that tries again')
    .addHelpText('after', help)
    .action((title: string | undefined, options: Options) => run(cli, title, options));
  for (const { kind } of alertSources) {
    command.addOption(new Option(`--from-${kind} <address>`, `the same as --from, of ${kind}`));
    command.on(`option:from-${kind}`, (address: string) => command.setOptionValue('from', address));
  }
  return command;
}

const help = `
  npm test 2>&1 | shipmate ticket "Rounding is off" --error -

The last line on stdout is the URL; all else is on stderr. It goes to the service that you are logged in to (shipmate login),
else where the configuration here says. What cannot be filed now is kept on this machine: a process in the background
(shipmate ticket --deliver) tries for up to a day and ends when nothing waits; the next command tries, too, and says what was
filed meanwhile. Where there is nobody to ask, what has the error of a ticket is added to it.`;

async function run(cli: Cli, title: string | undefined, options: Options): Promise<void> {
  if (options.template) return cli.print((await import('../core/ticket-form.ts')).builtInForm.trimEnd());
  const spool = createSpool({ dir: spoolDir(cli.surroundings.env) });
  if (options.kept) return listKept(cli, spool, options.json === true);
  if (options.drop !== undefined) return dropKept(cli, spool, options.drop);
  const place = await findTicketPlace(cli);
  if (options.deliver) return deliverForADay(cli, spool, place);
  const said = options.again === undefined ? await readAsked(cli, title, options) : null;
  const maker = openTicketMaker(cli, place);
  try {
    maker.warm();
    const capture = said === null ? await again(spool, options) : await capturedNow(cli, said, options.from ?? null);
    await tellNews(cli, spool);
    const result = await send(cli, capture, keepWith(maker, spool, place.to), options).catch((error) =>
      explained(error, cli, spool, capture),
    );
    if (options.json) cli.print(JSON.stringify(result, null, 2));
    else tellResult(cli, result);
    if (result.status === 'duplicates') cli.tell(howToChoose(capture.id));
    if (result.status === 'filed' || result.status === 'added') await deliverRest(cli, spool, maker, place);
    if (result.status === 'kept' && options.background) await startDelivering(cli, spool, place);
  } finally {
    await maker.close();
  }
}

async function capturedNow(cli: Cli, asked: Asked, from: string | null): Promise<Capture> {
  // Of an error that happened elsewhere this machine knows nothing.
  if (from !== null) return { ...asked, id: randomUUID(), checkout: null, environment: {}, client: 'the shell', from };
  const { cwd, env } = cli.surroundings;
  const where = { dir: cwd, searchPath: env.PATH ?? '', home: env.HOME ?? null, client: 'the shell' };
  const capture = await gather(asked, where, cli.signal);
  if (asked.places.length > 0 && capture.places.length < asked.places.length)
    cli.tell('Of --at, what is not in this repository is left out.');
  return capture;
}

async function again(spool: Spool, options: Options): Promise<Capture> {
  const { capture } = await findKept(spool, options.again ?? '');
  return { ...capture, addTo: options.addTo ?? capture.addTo, anyway: options.new === true || capture.anyway };
}

/** People choose what becomes of a likely duplicate; where there is nobody, the error decides. */
async function send(cli: Cli, capture: Capture, desk: TicketMaker, { json }: Options): Promise<CaptureResult> {
  if (json || !canAsk(cli)) return fileAnyhow(capture, desk, cli.signal);
  const result = await desk.makeTicket(capture, cli.signal);
  const likeliest = result.status === 'duplicates' ? result.duplicates[0] : undefined;
  if (result.status !== 'duplicates' || likeliest === undefined) return result;
  for (const each of result.duplicates) cli.tell(describeDuplicate(each));
  const letter = await askLetter(cli, askAbout(likeliest), ['y', 'n', 'q'], 'q');
  if (letter === 'y') return desk.makeTicket({ ...capture, addTo: likeliest.identifier }, cli.signal);
  if (letter === 'n') return desk.makeTicket({ ...capture, anyway: true }, cli.signal);
  return { ...result, duplicates: [] }; // they were shown
}

function howToChoose(id: string): string {
  return asTyped(
    `Nothing was filed. It is kept until you say more: shipmate ticket --again ${id} --add-to TICKET, or with --new; or shipmate ticket --drop ${id}`,
  );
}

/** What the service says is for people; of Ctrl-C they are told that nothing is lost. */
async function explained(error: unknown, cli: Cli, spool: Spool, { id }: Capture): Promise<never> {
  if (!cli.signal.aborted) throw error instanceof Error ? new CliError(error.message, { cause: error }) : error;
  const kept = await spool.find(id);
  if (kept?.state === 'asked') cli.tell(`\n${howToChoose(id)}`);
  else if (kept)
    cli.tell(asTyped(`\nIt is kept, and filed with the next one. To forget it: shipmate ticket --drop ${id}`));
  throw error;
}

const restMs = 10_000;

/** The service answers: what waits may go, too. */
async function deliverRest(cli: Cli, spool: Spool, desk: TicketMaker, { to }: TicketPlace): Promise<void> {
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(restMs)]);
  await deliver({ desk, spool, to }, signal).catch((error: Error) => {
    cli.signal.throwIfAborted();
    if (!signal.aborted) cli.tell(`What waits could not be sent: ${error.message}`);
  });
  await tellNews(cli, spool);
}
