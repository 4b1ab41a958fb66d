import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { type ClientName, clientNames, clients, type Home } from '../../mcp-servers/tickets/commands/clients.ts';
import { programName } from '../../mcp-servers/tickets/commands/server-entry.ts';
import type { Environment } from '../config.ts';
import { CliError } from './cli-error.ts';
import { clientsInUse, type Planned, planInstall } from './install/plan.ts';
import { writeWhole } from './install/write-whole.ts';
import type { Cli } from './program.ts';
import { asTyped, bad, dim, good, notable, oneLine } from './show.ts';

interface Options {
  client?: string[];
  global?: boolean;
  check?: boolean;
  force?: boolean;
  url?: string;
  dir?: string;
}

const root = join(import.meta.dirname, '../..');

export const installCommandsCommand = (cli: Cli, exit: (code: number) => void) =>
  new Command('install-commands')
    .description('Put /make-ticket into the coding agents and editors that are used here, or bring it up to date.')
    .option('--client <names...>', `${clientNames.join(', ')} or all (default: those in use here)`)
    .option('--global', 'for you, in every repository, instead of for all who work in this one')
    .option('--check', 'write nothing; exit with 1 if something is missing, old or edited')
    .option('--force', 'overwrite what people have edited, and what others have put under the same name')
    .option('--url <url>', 'the address of your service: clients ask it directly, each person with a token of theirs')
    .option('--dir <dir>', 'the repository (default: the one you are in)')
    .action(async (options: Options) => {
      const { cwd, env } = cli.surroundings;
      if (options.global && options.dir !== undefined) throw new CliError('Use --global or --dir, not both.');
      const dir = options.global ? null : repositoryOf(cwd, options.dir);
      const place = { dir, home: homeOf(env) };
      const names = chosen(options.client) ?? clientsInUse(place);
      const script = fileURLToPath(new URL('../../bin/shipmate-mcp-tickets.mjs', import.meta.url));
      const planned = await planInstall(names.length > 0 ? names : clientNames, {
        ...place,
        version: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
        url: options.url === undefined ? null : endpoint(options.url),
        program: options.global ? { command: 'node', args: [script] } : { command: programName, args: [] },
      });
      const shown = (path: string) => (dir === null ? path : relative(cwd, path) || path);
      if (options.check) return exit(check(cli, planned, shown, options) ? 0 : 1);
      const isWritten = await write(cli, planned, shown, options.force ?? false);
      tellNext(cli, names.length > 0 ? names : [...clientNames], planned);
      if (dir !== null && !isOnPath(env) && planned.some(({ text }) => text?.includes(`"${programName}"`)))
        cli.print(
          notable(
            `Clients cannot start ${programName}: it is not on your PATH. Install Shipmate as a command; or use --global, which writes its path, or --url.`,
          ),
        );
      exit(isWritten ? 0 : 1);
    });

const words: Record<Planned['is'], string> = {
  current: 'is up to date',
  missing: 'is missing',
  old: 'is out of date',
  edited: 'was edited by hand',
  theirs: 'is not ours',
  broken: 'cannot be used',
};

function check(cli: Cli, planned: Planned[], shown: (path: string) => string, options: Options): boolean {
  const wrong = planned.filter(({ is }) => is !== 'current');
  for (const { path, titles, is, why } of wrong)
    cli.print(`${bad(is.padEnd(8))} ${shown(path)}: ${oneLine(why ?? words[is])} ${dim(`(${titles.join(', ')})`)}`);
  if (wrong.length === 0) cli.print(good(`All ${planned.length} files are up to date.`));
  const command = `shipmate install-commands${asGiven(options)}`;
  if (wrong.some(({ is }) => is === 'missing' || is === 'old'))
    cli.print(asTyped(`To bring them up to date: ${command}`));
  if (wrong.some(({ is, text }) => (is === 'edited' || is === 'theirs') && text !== null))
    cli.print(asTyped(`To overwrite what was edited or is not ours: ${command} --force`));
  return wrong.length === 0;
}

/** What the same files are written with. */
function asGiven({ client, global, url, dir }: Options): string {
  const quoted = (text: string) => (/^[\w./:@,-]+$/.test(text) ? text : JSON.stringify(text));
  return [
    client === undefined ? '' : ` --client ${client.join(',')}`,
    global ? ' --global' : '',
    url === undefined ? '' : ` --url ${quoted(url)}`,
    dir === undefined ? '' : ` --dir ${quoted(dir)}`,
  ].join('');
}

/** Whether everything is there now. What people have edited is theirs to keep: that is no failure. */
async function write(cli: Cli, planned: Planned[], shown: (path: string) => string, force: boolean): Promise<boolean> {
  let isWhole = true;
  for (const { path, titles, is, text, why } of planned) {
    const who = dim(`(${titles.join(', ')})`);
    const left = (reason: string, advice: string) =>
      cli.print(`${notable('left')}     ${shown(path)} ${reason}. ${advice} ${who}`);
    const mayWrite = is === 'missing' || is === 'old' || (force && is !== 'current');
    if (is === 'current') cli.print(`${dim('current')}  ${shown(path)} ${who}`);
    else if (mayWrite && text !== null) {
      try {
        await writeWhole(path, text);
        cli.print(`${good('wrote')}    ${shown(path)} ${who}`);
      } catch (error) {
        isWhole = false;
        cli.print(`${bad('failed')}   ${shown(path)} cannot be written: ${oneLine((error as Error).message)} ${who}`);
      }
    } else {
      isWhole &&= is === 'edited';
      left(oneLine(why ?? words[is]), text === null ? 'Mend it and run this again.' : '--force overwrites it.');
    }
  }
  return isWhole;
}

function tellNext(cli: Cli, names: readonly ClientName[], planned: Planned[]): void {
  const typed = [...new Set(names.map((name) => clients[name].typed))];
  cli.print('');
  if (planned.some(({ text }) => text !== null && /Bearer |bearer_token/.test(text)))
    cli.print(asTyped('Each person needs a token (`shipmate token create NAME`) and sets SHIPMATE_TOKEN to it.'));
  else cli.print(asTyped('Next, if you have not yet: shipmate login URL, with the address of your service.'));
  if (names.includes('codex')) cli.print('Codex reads what a repository brings only where you trust it: it asks once.');
  cli.print(`Start a new session, then type ${typed.map((one) => `${one} "what is wrong"`).join(' or ')}.`);
}

function chosen(given: string[] | undefined): ClientName[] | null {
  if (given === undefined) return null;
  const names = given.flatMap((one) => one.split(',')).filter((one) => one !== '');
  if (names.includes('all')) return [...clientNames];
  const unknown = names.find((one) => !(clientNames as readonly string[]).includes(one));
  if (unknown !== undefined || names.length === 0)
    throw new CliError(`There is no client "${unknown ?? ''}"; there are: ${clientNames.join(', ')}, all.`);
  return clientNames.filter((one) => names.includes(one));
}

function endpoint(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CliError(`--url takes the address of your service, such as https://shipmate.example.com, not "${text}".`);
  if (url.username !== '' || url.password !== '' || url.search !== '')
    throw new CliError(
      '--url takes an address without a password or a query: it is written into files for all to read.',
    );
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/mcp$/, '')}/mcp`;
}

/** The one that we are in: where the nearest `.git` is, else here. */
function repositoryOf(cwd: string, named: string | undefined): string {
  if (named !== undefined) {
    const dir = resolve(cwd, named);
    if (!existsSync(dir)) throw new CliError(`--dir ${named}: there is nothing at ${dir}.`);
    return dir;
  }
  for (let dir = cwd; ; dir = dirname(dir)) {
    if (existsSync(join(dir, '.git'))) return dir;
    if (dirname(dir) === dir) return cwd;
  }
}

function isOnPath({ PATH = '' }: Environment): boolean {
  return PATH.split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, programName)));
}

function homeOf(env: Environment): Home {
  return {
    home: env.HOME || homedir(),
    platform: process.platform,
    config: env.XDG_CONFIG_HOME || null,
    codex: env.CODEX_HOME || null,
    claude: env.CLAUDE_CONFIG_DIR || null,
  };
}
