import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import type { App } from '../app.ts';
import { type Config, ConfigError, type Environment, loadConfig } from '../config.ts';
import { Refusal } from '../core/refusal.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { createLog, type Log } from '../lib/log.ts';
import type { TrackerDefinitions } from '../trackers/definition.ts';
import { trackers as shipped } from '../trackers/index.ts';
import { automationsCommand } from './automations.ts';
import { CliError } from './cli-error.ts';
import { connectCommand } from './connect.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { handoffCommand } from './handoff.ts';
import { installCommandsCommand } from './install-commands.ts';
import { loginCommand, logoutCommand } from './login.ts';
import { migrateCommand } from './migrate.ts';
import { ordersCommand } from './orders.ts';
import { pullCommand } from './pull.ts';
import { resumeCommand } from './resume.ts';
import { routesCommand } from './routes.ts';
import { scopeCommand } from './scope.ts';
import { serveCommands } from './serve.ts';
import { sessionsCommand, watchCommand } from './sessions.ts';
import { asTyped } from './show.ts';
import { summaryCommand } from './summary.ts';
import { ticketCommand } from './ticket.ts';
import { ticketsCommand } from './tickets.ts';
import { tokenCommand } from './token.ts';
import { toolsCommand } from './tools.ts';

export interface Surroundings {
  cwd: string;
  env: Environment;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Absent: nobody is there to ask, and nothing to read. */
  stdin?: NodeJS.ReadStream;
  /** What starts this program again, beside it; absent: it is not to be. */
  self?: readonly string[];
}

/** What every command gets; nothing of it is read or opened before a command asks. */
export interface Cli {
  surroundings: Surroundings;
  /** Those that can be configured. */
  trackers: TrackerDefinitions;
  print(text: string): void;
  /** To people, where what is printed may be read by a program. */
  tell(text: string): void;
  /** Reads the configuration. `quiet` keeps routine lines out of a terminal that a command draws on. */
  load(changes?: (config: Config) => Config): Config;
  log(config: Config, quiet?: boolean): Log;
  /** The options before the command, as another start of this program takes them. */
  settings(): string[];
  open(config: Config, log: Log): Promise<App>;
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
}

/** The command line. `run` resolves with the exit code; it never throws and never exits by itself. */
export function createProgram(
  surroundings: Surroundings,
  trackers: TrackerDefinitions = shipped,
): { run(argv: string[]): Promise<number> } {
  const interrupted = new AbortController();
  const interrupt = () => {
    interrupted.abort(new Error('interrupted'));
    ignore(); // the next one ends the process as if we had never listened
  };
  const ignore = () => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  };
  const program = new Command('shipmate')
    .description('An agent that joins your team in the tracker: assign it a ticket, get a proved pull request.')
    .option('-c, --config <file>', 'configuration file (default: shipmate.yaml here, if there is one)')
    .option('--data-dir <dir>', 'where mirrors, workspaces and the embedded database live')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void surroundings.stdout.write(text),
      writeErr: (text) => void surroundings.stderr.write(text),
    });
  let exitCode = 0;
  const cli: Cli = {
    surroundings,
    trackers,
    print: (text) => void surroundings.stdout.write(`${text}\n`),
    tell: (text) => void surroundings.stderr.write(`${text}\n`),
    load(changes = (config) => config) {
      const { config: file, dataDir } = program.opts<{ config?: string; dataDir?: string }>();
      const { cwd, env } = surroundings;
      const config = loadConfig({ cwd, env, trackers, ...(file !== undefined && { file }) });
      return changes(dataDir === undefined ? config : { ...config, dataDir: resolve(surroundings.cwd, dataDir) });
    },
    log: (config, quiet = false) =>
      createLog({ ...config.log, level: quiet ? 'error' : config.log.level, secrets: config.secrets }),
    async open(config, log) {
      const { createApp, shippedAdapters } = await import('../app.ts'); // dear: half a second of loading
      return createApp(config, log, { ...shippedAdapters, trackers });
    },
    settings() {
      const { config: file, dataDir } = program.opts<{ config?: string; dataDir?: string }>();
      return [
        ...(file === undefined ? [] : ['--config', file]),
        ...(dataDir === undefined ? [] : ['--data-dir', dataDir]),
      ];
    },
    signal: interrupted.signal,
  };
  const commands = [
    demoCommand,
    ...serveCommands,
    migrateCommand,
    doctorCommand,
    connectCommand,
    scopeCommand,
    ticketsCommand,
    sessionsCommand,
    routesCommand,
    watchCommand,
    ordersCommand,
    automationsCommand,
    summaryCommand,
    toolsCommand,
    pullCommand,
    handoffCommand,
    resumeCommand,
    tokenCommand,
    installCommandsCommand,
    ticketCommand,
    loginCommand,
    logoutCommand,
  ];
  for (const create of commands) {
    const command = create(cli, (code) => (exitCode = code));
    for (const each of [command, ...command.commands])
      each.copyInheritedSettings(program).configureHelp({ showGlobalOptions: true });
    program.addCommand(command);
  }

  return {
    async run(argv) {
      process.on('SIGINT', interrupt);
      process.on('SIGTERM', interrupt);
      try {
        await program.parseAsync(argv, { from: 'user' });
        return exitCode;
      } catch (error) {
        if (error instanceof CommanderError) return error.exitCode;
        if (interrupted.signal.aborted) return 130;
        surroundings.stderr.write(`${explain(error)}\n`);
        return error instanceof ConfigError ? 2 : 1;
      } finally {
        ignore();
      }
    },
  };
}

/** People get a sentence; a fault of ours keeps its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isDatabaseUnavailable(error))
    return `The database went away: ${error.message}. Run the command again when it is back: what was under way goes on.`;
  const expected = [CliError, ConfigError, Refusal, VendorError].some((type) => error instanceof type);
  return expected || error.stack === undefined ? asTyped(error.message) : error.stack;
}
