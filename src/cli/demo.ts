import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { App, SessionView } from '../app.ts';
import type { Config } from '../config.ts';
import type { Repository } from '../core/repository.ts';
import { CliError } from './cli-error.ts';
import { createLive } from './demo/live.ts';
import { describeDemo, quote, showDemo } from './demo/report.ts';
import { makeDemoRepository } from './demo/repository.ts';
import { followSession } from './follow.ts';
import type { Cli } from './program.ts';
import { bold, dim, notable, oneLine } from './show.ts';
import { readTicketFile, type TicketFile } from './ticket-file.ts';

const scene = join(import.meta.dirname, 'demo');
const person = { id: 'you', name: 'you', isBot: false };

interface DemoOptions {
  json?: boolean;
  repo?: string;
  ticket?: string;
  model?: string;
}

/** A ticket becomes a pull request, live, with everything embedded. */
export const demoCommand = (cli: Cli, exit: (code: number) => void) =>
  new Command('demo')
    .description('Assign a ticket to Shipmate and watch it become a pull request; everything it needs is embedded.')
    .option('--json', 'print one JSON document at the end and nothing else')
    .option('--repo <path>', 'a git repository of your own (with --ticket); a branch shipmate/... is pushed to it')
    .option('--ticket <file>', 'a Markdown file with your ticket: "# Title" and text')
    .option(
      '--model <model>',
      'such as anthropic:claude-sonnet-5-5, or scripted:FILE; default: by the API key that is set',
    )
    .addHelpText(
      'after',
      '\nKill it at any moment and run it again: it goes on. Exit code 0: a pull request exists and is proved.',
    )
    .action(async (options: DemoOptions) => exit(await demo(cli, options)));

async function demo(cli: Cli, options: DemoOptions): Promise<number> {
  if ((options.repo === undefined) !== (options.ticket === undefined))
    throw new CliError('--repo and --ticket go together: name both, or neither.');
  const say = options.json ? () => {} : cli.print;
  const ticket = await readTicketFile(options.ticket ?? join(scene, 'ticket.md'));
  const { modelSpec } = await import('../app.ts');
  const loaded = cli.load((found) => forDemo(found, cli, options, modelSpec));
  const [repository] = loaded.repositories as [Repository];
  if (options.repo === undefined) await makeDemoRepository(repository.location);
  else if (!(await stat(repository.location).catch(() => null)))
    throw new CliError(`--repo ${options.repo}: there is nothing at ${repository.location}.`);
  const config = await withSandbox(cli, loaded, options);
  const app = await cli.open(config, cli.log(config, true));
  try {
    const opened = await openTicket(app, config, ticket, repository);
    const { identifier, isNew } = opened;
    say(bold(`${identifier}  ${oneLine(ticket.title)}`));
    say(dim(describeModel(config, options)));
    if (!isNew) say(dim('It was begun before and goes on from there.'));
    say('');
    await app.startWorking();
    await app.startWeb(false);
    const view = await untilSession(app, opened, cli.signal);
    const live = createLive(say, view.runs[0]?.queuedAt ?? new Date());
    await followSession(app, view.id, identifier, { ...live, signal: cli.signal });
    const ended = await app.sessions.view(identifier);
    if (!ended) throw new Error(`the session of ${identifier} is gone`);
    const document = await describeDemo(app, ended, repository);
    if (options.json) cli.print(JSON.stringify(document, null, 2));
    else cli.print(showDemo(document, { again: `npm run shipmate -- --data-dir ${quote(relativeTo(cli, config))}` }));
    if (ended.state === 'complete') await rm(unfinishedIn(config), { force: true });
    return document.pullRequest?.proof === 'proved' ? 0 : 1;
  } finally {
    await app.stop();
  }
}

/** Everything embedded, beside the data of a service that runs here. */
function forDemo(config: Config, cli: Cli, options: DemoOptions, modelSpec: (config: Config) => string | null): Config {
  const dataDir = join(config.dataDir, 'demo');
  const repository: Repository =
    options.repo === undefined
      ? { name: 'plain-duration', codeHost: 'local-git', location: join(dataDir, 'plain-duration.git'), base: null }
      : ownRepository(resolve(cli.surroundings.cwd, options.repo));
  const model = options.model ?? modelSpec(config);
  return {
    ...config,
    dataDir,
    databaseUrl: null,
    repositories: [repository],
    model: model ?? (options.repo === undefined ? demoModel : null),
  };
}

const demoModel = `scripted:${join(scene, 'script.yaml')}`;

function ownRepository(location: string): Repository {
  const name =
    basename(location)
      .replace(/\.git$/, '')
      .replace(/[^\w.-]/g, '-') || 'repository';
  return { name, codeHost: 'local-git', location, base: null };
}

/** Without a working sandbox only the demo's own script runs, and says so: it was written by us and touches nothing else. */
async function withSandbox(cli: Cli, config: Config, options: DemoOptions): Promise<Config> {
  if (config.model === null)
    throw new CliError(
      'No model: set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or play a script with --model scripted:FILE.',
    );
  const { probeSandbox } = await import('../app.ts');
  const missing = (await probeSandbox(config)).find((check) => check.status === 'missing');
  if (!missing) return config;
  const why = `${missing.message}${missing.remedy ? ` ${missing.remedy}` : ''}`;
  if (config.model !== demoModel || options.repo !== undefined)
    throw new CliError(`There is no sandbox here, so nothing but the demo's own script may run. ${why}`);
  cli.surroundings.stderr.write(
    `${notable(`WITHOUT A SANDBOX: the demo's own script runs as an ordinary process of yours. ${why}`)}\n`,
  );
  return { ...config, sandbox: { ...config.sandbox, driver: 'none' } };
}

function describeModel(config: Config, options: DemoOptions): string {
  if (config.model === demoModel && options.model === undefined)
    return 'Playing a script: no API key is set. With ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY the same runs on that model.';
  return `Model: ${config.model}`;
}

/** The ticket of a demo that never came to its end, else a new one. What failed or was stopped is told to go on. */
async function openTicket(app: App, config: Config, file: TicketFile, repository: Repository): Promise<OpenTicket> {
  const agent = config.trackers.board.agent;
  const unfinished = await readUnfinished(config);
  if (unfinished?.title === file.title && unfinished.repository === repository.location) {
    const view = await app.sessions.view(unfinished.identifier);
    const goesOn = view !== null && (view.state === 'error' || view.state === 'stopped');
    if (goesOn) await app.desk.comment(unfinished.identifier, 'continue', person);
    return { ...unfinished, isNew: false, fromRun: (view?.runs.length ?? 0) + (goesOn ? 1 : 0) };
  }
  const fields = { ...file.fields, repository: repository.name };
  const { identifier } = await app.desk.createTicket({ ...file, fields, assignee: agent }, person);
  await writeFile(
    unfinishedIn(config),
    JSON.stringify({ identifier, title: file.title, repository: repository.location }),
  );
  return { identifier, isNew: true, fromRun: 1 };
}

interface OpenTicket {
  identifier: string;
  isNew: boolean;
  /** Its session has this many runs at least, once the demo is under way. */
  fromRun: number;
}

/** Names the ticket until its end has been shown. */
function unfinishedIn(config: Config): string {
  return join(config.dataDir, 'unfinished.json');
}

async function readUnfinished(
  config: Config,
): Promise<{ identifier: string; title: string; repository: string } | null> {
  const text = await readFile(unfinishedIn(config), 'utf8').catch(() => null);
  return text === null ? null : JSON.parse(text);
}

async function untilSession(app: App, { identifier, fromRun }: OpenTicket, signal: AbortSignal): Promise<SessionView> {
  for (;;) {
    const view = await app.sessions.view(identifier);
    if (view && view.runs.length >= Math.max(1, fromRun)) return view;
    await delay(20, undefined, { signal });
  }
}

function relativeTo(cli: Cli, config: Config): string {
  return relative(cli.surroundings.cwd, config.dataDir) || '.';
}
