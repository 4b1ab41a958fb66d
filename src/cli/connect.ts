import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { type Config, trackerSettings } from '../config.ts';
import type { Check } from '../core/check.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { Account, ConnectCommand, ConnectDesk, Connecting, ConnectStep } from '../trackers/connecting.ts';
import type { TrackerDefinition } from '../trackers/definition.ts';
import { CliError } from './cli-error.ts';
import { connectGitHubCommand } from './connect-github.ts';
import type { Cli } from './program.ts';
import { asTyped, bad, bold, dim, good, notable, oneLine } from './show.ts';

interface Options {
  check?: boolean;
  wait: string;
  /** The account, by what it is called there. */
  [account: string]: unknown;
}

/** What people connect, and what it is configured with. */
interface Place {
  definition: TrackerDefinition;
  command: ConnectCommand<unknown>;
  connecting: Connecting<unknown>;
  config: Config;
  /** null: it is off. */
  desk: ConnectDesk | null;
}

export const connectCommand = (cli: Cli, exit: (code: number) => void) => {
  const connect = new Command('connect').description(
    'Connect a tracker or a code host, step by step, and check that it is connected.',
  );
  for (const definition of cli.trackers)
    if (definition.connect) connect.addCommand(connectTrackerCommand(cli, exit, definition, definition.connect));
  return connect.addCommand(connectGitHubCommand(cli, exit));
};

const connectTrackerCommand = (
  cli: Cli,
  exit: (code: number) => void,
  definition: TrackerDefinition,
  command: ConnectCommand<unknown>,
) =>
  new Command(definition.kind)
    .description(command.about.command)
    .option('--check', command.about.check)
    .option(`--${command.account.name} <name>`, command.account.about)
    .option('--wait <seconds>', 'how long to wait for webhooks', '30')
    .action(async (options: Options) => {
      const config = cli.load();
      const { openConnectDesk } = await import('../app.ts');
      // What it would log is printed.
      const log = cli.log({ ...config, log: { ...config.log, level: 'silent' } });
      const connecting = await command.load();
      const { desk, close } = await openConnectDesk(config, log, definition);
      const place = { definition, command, connecting, config, desk };
      try {
        exit((await (options.check ? checkAll(cli, place, options) : walk(cli, place))) ? 0 : 1);
      } finally {
        await close();
      }
    });

/** All steps, each with what is known of it; whether nothing is left to do. */
async function walk(cli: Cli, place: Place): Promise<boolean> {
  const { connecting, config, desk } = place;
  const { kind } = place.definition;
  const step: TellStep = (number, { done, title, lines }) => {
    cli.print(`${done ? good('done') : notable('next')}  ${bold(`${number}. ${title}`)}`);
    for (const line of lines) cli.print(line === '' ? '' : `      ${asTyped(line)}`);
  };
  const steps = connecting.steps(trackerSettings(config, place.definition), config.http);
  for (const [index, each] of steps.entries()) step(index + 1, each);
  const { title, later } = connecting.lastStep;
  const last = steps.length + 1;
  const connected = desk !== null && (await connection(cli, desk, (told) => step(last, { title, ...told })));
  if (desk === null) step(last, { title, done: false, lines: [later] });
  const all = connected && steps.every(({ done }) => done);
  cli.print('');
  cli.print(
    asTyped(
      all
        ? `Everything is set. Start the service (\`shipmate start\`), then try it: shipmate connect ${kind} --check`
        : `Do what is next, then run \`shipmate connect ${kind}\` again.`,
    ),
  );
  return all;
}

type TellStep = (number: number, step: ConnectStep) => void;

async function connection(
  cli: Cli,
  desk: ConnectDesk,
  tellStep: (told: Omit<ConnectStep, 'title'>) => void,
): Promise<boolean> {
  let found = await desk.look(cli.signal);
  const page = await desk.beginInstall();
  tellStep({ done: isConnected(found), lines: [...found.flatMap(tell), ...page.lines] });
  // Only where a person looks on: nothing waits for a browser that nobody has.
  if (page.url === null || isConnected(found) || !cli.surroundings.stdout.isTTY) return isConnected(found);
  cli.print(dim('      Waiting for it, for ten minutes; Ctrl-C leaves. The service must be running.'));
  for (const until = Date.now() + 600_000; Date.now() < until && !isConnected(found); ) {
    await delay(3_000, undefined, { signal: cli.signal });
    found = await desk.look(cli.signal);
  }
  for (const line of found.flatMap(tell)) cli.print(`      ${isConnected(found) ? good(line) : line}`);
  return isConnected(found);
}

/** One that was lost may have been meant to be. */
function isConnected(found: Check[]): boolean {
  return found.some(({ status }) => status === 'ok') && found.every(({ status }) => status !== 'missing');
}

function tell({ name, status, message, remedy }: Check): string[] {
  const line = oneLine(`${name}${status === 'ok' ? ' is' : ':'} ${message}`);
  return [/[.!?]$/.test(line) ? line : `${line}.`, ...(remedy === undefined ? [] : [`  ${remedy}`])];
}

async function checkAll(cli: Cli, place: Place, options: Options): Promise<boolean> {
  const { command, connecting, desk, definition } = place;
  const { name, account } = command;
  if (desk === null) throw new CliError(`${connecting.isOff} \`shipmate connect ${definition.kind}\` shows the way.`);
  const seconds = Number(options.wait);
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 600)
    throw new CliError('--wait takes a number of seconds from 0 to 600.');
  const show = (check: Check) => {
    const mark = { ok: good('ok'), warning: notable('warning'), missing: bad('missing') }[check.status];
    cli.print(`${mark.padEnd(8)} ${bold(check.name)}  ${oneLine(check.message)}`);
    if (check.remedy && check.status !== 'ok') cli.print(dim(`         ${asTyped(check.remedy)}`));
  };
  const notYet = `${name} does not work yet: see above.`;
  const chosen = await choose(cli, desk, account.name, options[account.name] as string | undefined).catch(
    async (error: unknown) => {
      if (!(error instanceof VendorError)) throw error;
      for (const each of await desk.look(cli.signal)) show(each);
      return null;
    },
  );
  if (chosen === null) {
    cli.print(bad(notYet));
    return false;
  }
  show({ name: account.name, status: 'ok', message: `${chosen.name} (${chosen.address})` });
  const { signal } = cli;
  const checks = await desk.check({
    account: chosen.id,
    signal,
    waitMs: seconds * 1000,
    onCheck: show,
    onWait: () => cli.print(dim(`         Waiting for ${name}'s webhooks, ${seconds} seconds at most.`)),
  });
  signal.throwIfAborted();
  const works = checks.every(({ status }) => status !== 'missing');
  cli.print(works ? good(`${name} works.`) : bad(notYet));
  return works;
}

async function choose(cli: Cli, desk: ConnectDesk, what: string, wanted: string | undefined): Promise<Account | null> {
  const all = await desk.accounts(cli.signal);
  const names = all.map(({ key }) => key).join(', ');
  if (wanted === undefined) {
    if (all.length > 1) throw new CliError(`Several ${what}s are connected: ${names}. Name one with --${what}.`);
    return all[0] ?? null;
  }
  const fits = (name: string) => name.toLowerCase() === wanted.toLowerCase();
  const found = all.find(({ name, key }) => fits(name) || fits(key));
  if (!found) throw new CliError(`No ${what} "${wanted}" is connected; there are: ${names}.`);
  return found;
}
