import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { type Asked, askedShape } from '../../mcp-servers/tickets/capture.ts';
import { cutOutput } from '../../mcp-servers/tickets/gather/clean.ts';
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
}

const howTo = 'Say in one line what it is about: shipmate ticket "Dates differ between endpoints"';

/** What was typed, as the desk takes it. Reads the error's output to its end: of a pipe, until the command in it ends. */
export async function readAsked(cli: Cli, title: string | undefined, options: TicketOptions): Promise<Asked> {
  if (title === undefined || title.trim() === '') throw new CliError(asTyped(howTo));
  const { error, command, exitCode } = options;
  const output = error === undefined ? '' : await readOutput(cli, error);
  if (error !== undefined && output.trim() === '') cli.tell('There is nothing in the output.');
  const isFailure = error !== undefined || command !== undefined || exitCode !== undefined;
  const said = z.object(askedShape).safeParse({
    title,
    notes: options.notes ?? '',
    kind: options.kind ?? null,
    places: options.at.map((place) => readPlace(cli, place)),
    error: isFailure ? { command: command ?? null, exitCode: wholeNumber(exitCode), output } : null,
    steps: options.step,
    expected: options.expected ?? '',
    criteria: options.criterion,
    labels: options.label,
    priority: options.priority ?? null,
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

/** `path[:from[-to]]`, and `path:line:column` as compilers print it; from where one is, or from the repository's top. */
function readPlace({ surroundings: { cwd } }: Cli, text: string): Asked['places'][number] {
  const [, named = '', from, to] = /^(.+?)(?::(\d{1,7})(?:-(\d{1,7})|:\d+)?)?$/s.exec(text) ?? [];
  const here = resolve(cwd, named);
  return {
    path: existsSync(here) ? here : named,
    from: from === undefined ? null : Math.max(1, Number(from)),
    to: to === undefined ? null : Math.max(1, Number(to)),
    snippet: null,
  };
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
export function pipeOf(stdin: NodeJS.ReadStream | undefined, option: string): NodeJS.ReadStream {
  if (stdin && !stdin.isTTY) return stdin;
  throw new CliError(
    asTyped(`${option} - reads what is piped in: npm test 2>&1 | shipmate ticket "It fails" ${option} -`),
  );
}

function wholeNumber(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^-?\d{1,10}$/.test(text)) throw new CliError(`--exit-code takes a whole number, not "${text}".`);
  return Number(text);
}
