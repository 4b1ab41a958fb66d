import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { type Asked, askedShape } from '../../mcp-servers/tickets/capture.ts';
import { placeNamed } from '../../mcp-servers/tickets/forgive.ts';
import { cutOutput } from '../../mcp-servers/tickets/gather/clean.ts';
import type { Concern } from '../core/capture.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { asTyped } from './show.ts';

/** As typed; what is repeatable is a list. */
export interface TicketOptions {
  notes?: string;
  at: string[];
  error?: string;
  command?: string;
  exitCode?: string;
  step: string[];
  expected?: string;
  criterion: string[];
  label: string[];
  priority?: string;
  kind?: string;
  team?: string;
  project?: string;
  repository?: string;
  related: string[];
  assign?: boolean;
  addTo?: string;
  new?: true;
  dryRun?: true;
  list?: string;
  from?: string;
}

const howTo = 'Say in one line what it is about: shipmate ticket "Dates differ between endpoints"';

/** What was typed, as the desk takes it. Reads the error's output to its end: of a pipe, until the command in it ends. */
export async function readAsked(cli: Cli, title: string | undefined, options: TicketOptions): Promise<Asked> {
  const { error, command, exitCode, list } = options;
  if (list === '-' && error === '-') throw new CliError('Only one of --list and --error can read what is piped in.');
  const listed = list === undefined ? [] : await readList(cli, list);
  if (options.from !== undefined && listed.length > 0)
    throw new CliError('Only one of --list and --from says what to file.');
  if ((title ?? options.from ?? '').trim() === '' && listed.length === 0) throw new CliError(asTyped(howTo));
  const output = error === undefined ? '' : await readOutput(cli, error);
  if (error !== undefined && output.trim() === '') cli.tell('There is nothing in the output.');
  const isFailure = error !== undefined || command !== undefined || exitCode !== undefined;
  const ofAll = { kind: options.kind ?? null, priority: options.priority ?? null };
  const [first, ...also] = [
    ...((title ?? options.from) === undefined ? [] : [{ title: title ?? options.from, labels: [] }]),
    ...listed.map((each) => ({ ...each, kind: each.kind ?? ofAll.kind, priority: each.priority ?? ofAll.priority })),
  ].map((each) => ({ ...each, labels: [...new Set([...options.label, ...each.labels])] }));
  const said = z.object(askedShape).safeParse({
    ...ofAll,
    ...first,
    also,
    ...(options.notes !== undefined && { notes: options.notes }),
    ...(options.expected !== undefined && { expected: options.expected }),
    ...(options.step.length > 0 && { steps: options.step }),
    ...(options.criterion.length > 0 && { criteria: options.criterion }),
    ...(options.at.length > 0 && { places: options.at.map((place) => readPlace(cli, place)) }),
    ...(isFailure && { error: { command: command ?? null, exitCode: wholeNumber(exitCode), output } }),
    team: options.team ?? null,
    project: options.project ?? null,
    repository: options.repository ?? null,
    related: options.related,
    assign: options.assign ?? null,
    addTo: options.addTo ?? null,
    anyway: options.new === true,
    dryRun: options.dryRun === true,
  });
  if (said.success) return said.data;
  const problems = said.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new CliError(`This cannot be filed as it is: ${problems.join('; ')}.`);
}

/** From where one is, or from the repository's top. */
function readPlace({ surroundings: { cwd } }: Cli, typed: string): Asked['places'][number] {
  const { path, from, to } = placeNamed(typed);
  const here = resolve(cwd, path);
  return {
    path: existsSync(here) ? here : path,
    from: from === undefined ? null : Math.max(1, Number(from)),
    to: to === undefined ? null : Math.max(1, Number(to)),
    snippet: null,
  };
}

/** A review, notes or a list: a concern each. */
async function readList(cli: Cli, source: string): Promise<Concern[]> {
  const { stdin, cwd } = cli.surroundings;
  const { concernsIn, SplitError } = await import('../core/split-list.ts');
  try {
    return concernsIn(
      source === '-' ? await text(pipeOf(stdin, '--list')) : await readFile(resolve(cwd, source), 'utf8'),
    );
  } catch (error) {
    cli.signal.throwIfAborted();
    if (error instanceof CliError) throw error;
    const { message } = error as Error;
    throw new CliError(error instanceof SplitError ? message : `--list ${source} cannot be read: ${message}`);
  }
}

async function readOutput({ surroundings, signal }: Cli, source: string): Promise<string> {
  if (source === '-') return cutOutput(pipeOf(surroundings.stdin, '--error'), signal);
  try {
    return await cutOutput(createReadStream(resolve(surroundings.cwd, source)), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new CliError(`--error ${source} cannot be read: ${(error as Error).message}`);
  }
}

/** stdin where something is piped into it. */
function pipeOf(stdin: NodeJS.ReadStream | undefined, option: string): NodeJS.ReadStream {
  if (stdin && !stdin.isTTY) return stdin;
  throw new CliError(
    asTyped(`${option} - reads what is piped in: npm test 2>&1 | shipmate ticket "It fails" ${option} -`),
  );
}

function wholeNumber(typed: string | undefined): number | null {
  if (typed === undefined) return null;
  if (!/^-?\d{1,10}$/.test(typed)) throw new CliError(`--exit-code takes a whole number, not "${typed}".`);
  return Number(typed);
}
