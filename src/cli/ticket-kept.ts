import { spawn } from 'node:child_process';
import { keepDelivering } from '../../mcp-servers/tickets/deliver.ts';
import { isInHand, type Kept, type Spool } from '../../mcp-servers/tickets/spool.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { asTyped, bold, dim, oneLine } from './show.ts';
import { openEachTime, type TicketPlace } from './ticket-place.ts';

/*
 * What is kept on this machine until it can be filed.
 */

const dayMs = 86_400_000;

const meanings: Record<Kept['state'], string> = {
  sending: 'is being sent',
  waiting: 'waits',
  refused: 'refused',
  asked: 'for you to choose',
};

export async function listKept(cli: Cli, spool: Spool, json: boolean): Promise<void> {
  await tellNews(cli, spool);
  const { kept, broken } = await spool.list();
  if (json) return cli.print(JSON.stringify(kept, null, 2));
  for (const each of kept) {
    const { capture, keptAt, why } = each;
    const state = each.state === 'sending' && !isInHand(each) ? 'waiting' : each.state;
    cli.print(`${capture.id}  ${meanings[state].padEnd(17)} ${dim(keptAt)}  ${bold(oneLine(capture.title))}`);
    if (why !== null) cli.print(`  ${asTyped(oneLine(why))}`);
  }
  for (const file of broken) cli.tell(`${file} cannot be read. Look into it, and delete it.`);
  if (kept.length === 0) cli.tell('Nothing is kept: all of it was filed.');
  else cli.tell(asTyped('To send one again: shipmate ticket --again ID; to forget one: shipmate ticket --drop ID'));
}

export async function dropKept(cli: Cli, spool: Spool, id: string): Promise<void> {
  const { capture } = await findKept(spool, id);
  await spool.drop(capture.id);
  cli.tell(`Forgotten: ${oneLine(capture.title)}`);
}

/** By its id or the beginning of it. */
export async function findKept(spool: Spool, id: string): Promise<Kept> {
  const found = (await spool.list()).kept.filter(({ capture }) => id !== '' && capture.id.startsWith(id));
  const [kept, other] = found;
  if (kept && !other) return kept;
  throw new CliError(
    asTyped(
      `${found.length === 0 ? 'None' : 'More than one'} of those kept has the id "${id}". To see them: shipmate ticket --kept`,
    ),
  );
}

/** What was filed while nobody looked, each once. */
export async function tellNews(cli: Cli, spool: Spool): Promise<void> {
  for (const news of await spool.takeNews()) cli.tell(asTyped(oneLine(news)));
}

/** Until nothing waits, or for a day. In the background there is nobody to tell: the next command does. */
export async function deliverForADay(cli: Cli, spool: Spool, place: TicketPlace): Promise<void> {
  if (place.kind === 'nowhere') throw new CliError(asTyped(place.why));
  const desk = openEachTime(cli, place);
  const options = { desk, spool, to: place.to, everyMs: 2_000, longestMs: 300_000, forMs: dayMs, alone: true };
  await keepDelivering(options, cli.signal);
  if (cli.surroundings.stderr.isTTY) await tellNews(cli, spool);
}

/** Starts that beside us, where it is known whom to ask; one that is at it already sends this one, too. */
export async function startDelivering(cli: Cli, spool: Spool, place: TicketPlace): Promise<void> {
  const { self, cwd, env } = cli.surroundings;
  const [program, ...args] = self ?? [];
  if (program === undefined || place.kind === 'nowhere') return;
  const { kept } = await spool.list();
  if (!kept.some(({ state }) => state === 'waiting')) return; // sent meanwhile
  const process = spawn(program, [...args, ...cli.settings(), 'ticket', '--deliver'], {
    cwd,
    env,
    detached: true,
    stdio: 'ignore',
  });
  process.once('error', () => {}); // the next command sends it
  process.unref();
}
