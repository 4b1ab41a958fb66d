import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { openLinearDesk } from '../app.ts';
import type { Config } from '../config.ts';
import type { Check } from '../core/check.ts';
import { VendorError } from '../core/vendor-error.ts';
import { CliError } from './cli-error.ts';
import { connectGitHubCommand } from './connect-github.ts';
import { appSettings, ingress, switchOn } from './connect-words.ts';
import type { Cli } from './program.ts';
import { asTyped, bad, bold, dim, good, notable, oneLine } from './show.ts';

type Desk = NonNullable<Awaited<ReturnType<typeof openLinearDesk>>['desk']>;

interface Options {
  check?: boolean;
  workspace?: string;
  wait: string;
}

export const connectCommand = (cli: Cli, exit: (code: number) => void) => {
  const connect = new Command('connect').description(
    'Connect a tracker or a code host, step by step, and check that it is connected.',
  );
  connect
    .command('linear')
    .description('What to set up for Linear: what is done, and what is next. Run it again after each step.')
    .option(
      '--check',
      'try it in your workspace: files a test ticket, delegates it, reads an activity back, archives it',
    )
    .option('--workspace <name>', 'of several workspaces, the one to try it in: its name or the one in its URL')
    .option('--wait <seconds>', 'how long to wait for webhooks', '30')
    .action(async (options: Options) => {
      const config = cli.load();
      // What it would log is printed.
      const app = await import('../app.ts');
      const { desk, close } = await app.openLinearDesk(
        config,
        cli.log({ ...config, log: { ...config.log, level: 'silent' } }),
      );
      try {
        if (options.check) exit((await checkAll(cli, desk, options)) ? 0 : 1);
        else exit((await walk(cli, config, desk)) ? 0 : 1);
      } finally {
        await close();
      }
    });
  return connect.addCommand(connectGitHubCommand(cli, exit));
};

/** All steps, each with what is known of it; whether nothing is left to do. */
async function walk(cli: Cli, config: Config, desk: Desk | null): Promise<boolean> {
  const { print } = cli;
  const { linear } = config.trackers;
  const step = (number: number, done: boolean, title: string, lines: string[]) => {
    print(`${done ? good('done') : notable('next')}  ${bold(`${number}. ${title}`)}`);
    for (const line of lines) print(line === '' ? '' : `      ${asTyped(line)}`);
  };
  const base = config.http.publicUrl;
  step(1, base !== null, 'An address that Linear can reach', ingress(config.http));
  step(2, linear !== null, 'An app in Linear', appSettings(base, linear !== null));
  const areTwo = linear !== null && linear.webhookSecrets.length > 1;
  const areSigned = linear !== null && linear.webhookSecrets.length > 0;
  step(
    3,
    linear !== null && areSigned,
    'Its keys in the environment of the service',
    linear && areSigned
      ? [
          `${way(linear)}.`,
          `LINEAR_WEBHOOK_SECRET is set${areTwo ? ': two of them, while one replaces the other' : ''}.`,
        ]
      : switchOn(linear !== null),
  );
  const connected = desk !== null && (await connection(cli, config, desk, step));
  if (desk === null) step(4, false, 'A workspace', ['It is looked for when the steps above are done.']);
  const all = base !== null && areSigned && connected;
  print('');
  const last = all
    ? 'Everything is set. Start the service (`shipmate start`), then try it: shipmate connect linear --check'
    : 'Do what is next, then run `shipmate connect linear` again.';
  print(asTyped(last));
  return all;
}

type Step = (number: number, done: boolean, title: string, lines: string[]) => void;

async function connection(cli: Cli, config: Config, desk: Desk, step: Step): Promise<boolean> {
  let found = await desk.look(cli.signal);
  const link = await installLink(config, desk);
  step(4, isConnected(found), 'A workspace', [...found.flatMap(tell), ...link.lines]);
  // Only where a person looks on: nothing waits for a browser that nobody has.
  if (link.url === null || isConnected(found) || !cli.surroundings.stdout.isTTY) return isConnected(found);
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

async function installLink(config: Config, desk: Desk): Promise<{ url: string | null; lines: string[] }> {
  if (!config.trackers.linear?.install) return { url: null, lines: [] };
  if (desk.redirectUri === null)
    return { url: null, lines: ['Installing needs http.publicUrl in shipmate.yaml: the answer comes back there.'] };
  const { url } = await desk.beginInstall();
  return {
    url,
    lines: [
      'An admin of the workspace opens this page within ten minutes, while the service runs; once for each workspace:',
      url,
      `The app's settings in Linear must name the callback URL ${desk.redirectUri}`,
    ],
  };
}

const notYet = 'Linear does not work yet: see above.';

async function checkAll(cli: Cli, desk: Desk | null, options: Options): Promise<boolean> {
  if (desk === null)
    throw new CliError(
      'Linear is off: the environment holds neither LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET nor LINEAR_ACCESS_TOKEN. `shipmate connect linear` shows the way.',
    );
  const seconds = Number(options.wait);
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 600)
    throw new CliError('--wait takes a number of seconds from 0 to 600.');
  const show = (check: Check) => {
    const mark = { ok: good('ok'), warning: notable('warning'), missing: bad('missing') }[check.status];
    cli.print(`${mark.padEnd(8)} ${bold(check.name)}  ${oneLine(check.message)}`);
    if (check.remedy && check.status !== 'ok') cli.print(dim(`         ${asTyped(check.remedy)}`));
  };
  const workspace = await chooseWorkspace(cli, desk, options.workspace).catch((error: unknown) => {
    if (!(error instanceof VendorError)) throw error;
    show({ name: 'token', status: 'missing', message: asTyped(error.message) });
    return null;
  });
  if (workspace === null) {
    cli.print(bad(notYet));
    return false;
  }
  show({ name: 'workspace', status: 'ok', message: `${workspace.name} (linear.app/${workspace.urlKey})` });
  const { signal } = cli;
  const checks = await desk.roundTrip({
    workspace: workspace.id,
    signal,
    waitMs: seconds * 1000,
    onCheck: show,
    onWait: () => cli.print(dim(`         Waiting for Linear's webhooks, ${seconds} seconds at most.`)),
  });
  signal.throwIfAborted();
  const works = checks.every(({ status }) => status !== 'missing');
  cli.print(works ? good('Linear works.') : bad(notYet));
  return works;
}

async function chooseWorkspace(cli: Cli, { tokens }: Desk, wanted: string | undefined) {
  const all = await tokens.workspaces(cli.signal);
  const names = all.map(({ urlKey }) => urlKey).join(', ');
  if (wanted === undefined) {
    if (all.length > 1) throw new CliError(`Several workspaces are connected: ${names}. Name one with --workspace.`);
    return all[0] ?? null;
  }
  const fits = (name: string) => name.toLowerCase() === wanted.toLowerCase();
  const found = all.find(({ name, urlKey }) => fits(name) || fits(urlKey));
  if (!found) throw new CliError(`No workspace "${wanted}" is connected; there are: ${names}.`);
  return found;
}

function way({ accessToken, install }: NonNullable<Config['trackers']['linear']>): string {
  if (accessToken !== null) return 'LINEAR_ACCESS_TOKEN is set';
  return `LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET are set, for ${install ? 'every workspace that installs the app' : 'the one workspace that the app belongs to'}`;
}
