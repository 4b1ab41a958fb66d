import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { GitHubDesk, NewApp } from '../app.ts';
import type { Config } from '../config.ts';
import type { Check } from '../core/check.ts';
import { CliError } from './cli-error.ts';
import { openPage, tokenSteps, useKeys, withoutWebhooks } from './connect-github-words.ts';
import { createKeysFile } from './keys-file.ts';
import type { Cli } from './program.ts';
import { asTyped, bad, bold, dim, good, notable, oneLine } from './show.ts';

interface Options {
  check?: boolean;
  token?: boolean;
  org?: string;
  name?: string;
  out?: string;
  port: string;
  wait: string;
}

const lookEveryMs = 2_000;

export const connectGitHubCommand = (cli: Cli, exit: (code: number) => void) =>
  new Command('github')
    .description('Make a GitHub App and install it; or see how GitHub is connected. Run it again after each step.')
    .option('--check', 'look at all of it: key, permissions, installations, repositories, webhooks, limits')
    .option('--org <name>', 'make the App for this organization, not for yourself')
    .option('--name <name>', 'what the App is to be called; nobody else on GitHub may have it')
    .option('--out <file>', 'where its keys are written (default: github.env in dataDir)')
    .option('--port <number>', 'port of the page that you open on this machine (0: any free one)', '0')
    .option('--token', 'say how to use a token in place of an App')
    .option('--wait <seconds>', 'how long to wait for you, and with --check for a webhook', '600')
    .action(async (options: Options) => {
      const config = cli.load();
      const { openGitHubDesk } = await import('../app.ts');
      const desk = openGitHubDesk(config);
      const seconds = numberOf(options.wait, '--wait', 3_600);
      if (options.check && config.github === null)
        throw new CliError(
          'GitHub is off: the environment holds neither GITHUB_APP_ID and GITHUB_PRIVATE_KEY nor GITHUB_TOKEN. `shipmate connect github` shows the way.',
        );
      if (options.check) exit((await checkAll(cli, desk, Math.min(seconds, 30))) ? 0 : 1);
      else if (config.github !== null) exit((await walk(cli, config, desk)) ? 0 : 1);
      else if (options.token) {
        for (const line of tokenSteps(desk.webUrl, desk.webhookUrl)) cli.print(asTyped(line));
        exit(1);
      } else exit((await makeApp(cli, config, desk, options, seconds)) ? 0 : 1);
    });

function tellStep(cli: Cli, done: boolean, title: string, lines: string[]): void {
  cli.print(`${done ? good('done') : notable('next')}  ${bold(title)}`);
  for (const line of lines) cli.print(line === '' ? '' : `      ${asTyped(line)}`);
}

/** From nothing to an App that is installed; whether it is. */
async function makeApp(
  cli: Cli,
  config: Config,
  desk: GitHubDesk,
  options: Options,
  seconds: number,
): Promise<boolean> {
  const out = resolve(cli.surroundings.cwd, options.out ?? join(config.dataDir, 'github.env'));
  const file = await createKeysFile(out);
  const waiting = AbortSignal.any([cli.signal, AbortSignal.timeout(seconds * 1000)]);
  let app: NewApp;
  try {
    const org = options.org ?? null;
    const name = options.name ?? `shipmate-${org ?? randomBytes(3).toString('hex')}`;
    const page = await desk.openAppPage({ org, name, port: numberOf(options.port, '--port', 65_535), signal: waiting });
    tellStep(cli, false, '1. An App of yours on GitHub', openPage(page.url, Number(new URL(page.url).port), seconds));
    try {
      app = await desk.takeNewApp(await page.code, cli.signal);
      await file.write(variablesOf(app, config), `Keys of the GitHub App "${oneLine(app.name)}", ${app.url}`);
      page.finish({ installUrl: `${app.url}/installations/new` });
    } catch (error) {
      page.finish({ problem: 'The App could not be taken over; the terminal says why.' });
      cli.signal.throwIfAborted();
      if (waiting.aborted) throw new CliError('Nobody came back from GitHub in time. Run the command again.');
      throw error;
    } finally {
      page.close();
    }
  } finally {
    await file.close();
  }
  tellStep(cli, true, '1. An App of yours on GitHub', [`"${oneLine(app.name)}" is at ${app.url}`]);
  tellStep(cli, false, '2. Its keys in the environment of the service', [
    ...useKeys(out),
    `In shipmate.yaml, so that people can mention it: github: { agent: ${app.slug} }`,
    ...(app.webhookSecret === null ? withoutWebhooks(15) : [`Webhooks go to ${desk.webhookUrl}`]),
  ]);
  const install = [`${app.url}/installations/new`, 'Choose the repositories that it is to work on.'];
  tellStep(cli, false, '3. Its installation', [...install, 'Waiting for it; Ctrl-C leaves, and nothing is lost.']);
  const found = await waitForInstallation(cli, desk, app, waiting);
  tellStep(cli, found.length > 0, '3. Its installation', found.length > 0 ? found.flatMap(tell) : install);
  cli.print('');
  cli.print(asTyped('With the keys in the environment, look at all of it: shipmate connect github --check'));
  return found.length > 0;
}

async function waitForInstallation(cli: Cli, desk: GitHubDesk, app: NewApp, waiting: AbortSignal): Promise<Check[]> {
  for (;;) {
    const found = await desk.installationsOf(app, cli.signal);
    if (found.length > 0) return found;
    await delay(lookEveryMs, undefined, { signal: waiting }).catch(() => cli.signal.throwIfAborted());
    if (waiting.aborted) return [];
  }
}

function variablesOf(app: NewApp, { githubApiUrl }: Config): [string, string][] {
  return [
    ...(githubApiUrl === 'https://api.github.com' ? [] : [['GITHUB_API_URL', githubApiUrl] as [string, string]]),
    ['GITHUB_APP_ID', String(app.id)],
    ['GITHUB_PRIVATE_KEY', Buffer.from(app.privateKey).toString('base64')],
    ...(app.webhookSecret === null ? [] : [['GITHUB_WEBHOOK_SECRET', app.webhookSecret] as [string, string]]),
  ];
}

/** What is set up, and what is next; whether nothing is left to do. */
async function walk(cli: Cli, { github }: Config, desk: GitHubDesk): Promise<boolean> {
  if (github === null) throw new Error('unreachable: GitHub is off');
  const { token, webhookSecrets, pollSeconds } = github;
  tellStep(cli, true, '1. Its keys in the environment of the service', [
    token === null
      ? 'GITHUB_APP_ID and GITHUB_PRIVATE_KEY are set.'
      : 'GITHUB_TOKEN is set: the agent acts as its user.',
    ...(webhookSecrets.length > 0
      ? [`GITHUB_WEBHOOK_SECRET is set${webhookSecrets.length > 1 ? ', two of them' : ''}.`]
      : []),
  ]);
  tellStep(
    cli,
    true,
    '2. How it hears what happens',
    pollSeconds === null
      ? [
          `By webhooks, ${desk.webhookUrl === null ? 'which come to /webhooks/github of the service' : `at ${desk.webhookUrl}`}.`,
        ]
      : withoutWebhooks(pollSeconds),
  );
  const found = await desk.look(cli.signal);
  const isThere = found.every(({ status }) => status !== 'missing');
  tellStep(cli, isThere, '3. Where it may work', found.flatMap(tell));
  cli.print('');
  cli.print(
    asTyped(
      isThere
        ? 'Everything is set. Start the service (`shipmate start`), then look at all of it: shipmate connect github --check'
        : 'Do what is next, then run `shipmate connect github` again.',
    ),
  );
  return isThere;
}

function tell({ name, status, message, remedy }: Check): string[] {
  return [oneLine(`${name}: ${message}`), ...(remedy === undefined || status === 'ok' ? [] : [`  ${remedy}`])];
}

async function checkAll(cli: Cli, desk: GitHubDesk, waitSeconds: number): Promise<boolean> {
  const checks = await desk.check({
    signal: cli.signal,
    waitMs: waitSeconds * 1000,
    onCheck(check) {
      const mark = { ok: good('ok'), warning: notable('warning'), missing: bad('missing') }[check.status];
      cli.print(`${mark.padEnd(8)} ${bold(oneLine(check.name))}  ${asTyped(oneLine(check.message))}`);
      if (check.remedy && check.status !== 'ok') cli.print(dim(`         ${asTyped(check.remedy)}`));
    },
    onWait: () => cli.print(dim(`         Waiting for a webhook, ${waitSeconds} seconds at most.`)),
  });
  cli.signal.throwIfAborted();
  const works = checks.every(({ status }) => status !== 'missing');
  cli.print(works ? good('GitHub works.') : bad('GitHub does not work yet: see above.'));
  return works;
}

function numberOf(text: string, option: string, most: number): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0 && number <= most) return number;
  throw new CliError(`${option} takes a number from 0 to ${most}.`);
}
