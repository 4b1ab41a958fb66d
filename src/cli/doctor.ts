import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import type { App, ToolServerView } from '../app.ts';
import type { Config } from '../config.ts';
import type { Check } from '../core/check.ts';
import { grouped } from '../core/cut-text.ts';
import type { Repository } from '../core/repository.ts';
import { availableMemory } from '../lib/memory.ts';
import { runProcess } from '../lib/process.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { asTyped, bad, bold, dim, good, notable, oneLine } from './show.ts';

const marks: Record<Check['status'], string> = { ok: good('ok'), warning: notable('warning'), missing: bad('missing') };

export const doctorCommand = (cli: Cli, exit: (code: number) => void) =>
  new Command('doctor')
    .description('Check what Shipmate needs, and say how to get what is missing. Starts no work.')
    .option('--repo <path>', 'check instead whether this git repository is ready: set-up, tests, instructions')
    .option('--invariants', 'check instead whether the database holds what it must, while the service runs or not')
    .option('--all', 'with --invariants: sessions of all times, not only those of the last 7 days')
    .action(async ({ repo, invariants = false, all = false }: Options) => {
      const config = cli.load();
      if (invariants) return exit((await checkDatabase(cli, config, all ? null : 7)) ? 0 : 1);
      const show = (check: Check) => {
        cli.print(`${marks[check.status].padEnd(8)} ${bold(check.name)}  ${check.message}`);
        if (check.remedy && check.status !== 'ok') cli.print(dim(`         ${asTyped(check.remedy)}`));
      };
      const checks =
        repo === undefined ? await checkService(cli, config, show) : await checkOne(cli, config, repo, show);
      exit(checks.some((check) => check.status === 'missing') ? 1 : 0);
    });

interface Options {
  repo?: string;
  invariants?: boolean;
  all?: boolean;
}

/** Shows what was checked and what offends; whether nothing does. */
async function checkDatabase(cli: Cli, config: Config, days: number | null): Promise<boolean> {
  const app = await cli.open(config, cli.log(config, true));
  try {
    const { checked, violations } = await app.operations.checkInvariants({ live: true, days });
    for (const { name, holds, remedy, ms } of checked) {
      const found = violations.filter(({ check }) => check === name);
      const mark = found.length === 0 ? good('ok') : bad('broken');
      cli.print(`${mark.padEnd(8)} ${bold(name)}  ${holds} ${dim(`${Math.round(ms)} ms`)}`);
      for (const { ticket, id, explanation } of found) cli.print(`         ${ticket ?? id}: ${oneLine(explanation)}`);
      if (found.length > 0) cli.print(dim(`         ${asTyped(remedy)}`));
    }
    const ms = checked.reduce((sum, each) => sum + each.ms, 0);
    const scope = days === null ? 'sessions of all times' : `sessions of the last ${days} days`;
    const verdict = violations.length === 0 ? 'all hold' : `${violations.length} violations`;
    cli.print(`${checked.length} checks, ${scope}: ${verdict} (${(ms / 1000).toFixed(1)} s)`);
    return violations.length === 0;
  } finally {
    await app.stop();
  }
}

async function checkService(cli: Cli, config: Config, show: (check: Check) => void): Promise<Check[]> {
  const all: Check[] = [];
  const tell = (checks: Check[]) => {
    for (const check of checks) show(check);
    all.push(...checks);
  };
  tell([{ name: 'Node.js', status: 'ok', message: process.version }]);
  tell([await checkGit()]);
  tell([checkMemory(config)]);
  const { probeSandbox, unmountedToolchains } = await import('../app.ts');
  tell(await probeSandbox(config));
  tell(await unmountedToolchains(config));
  let app: App;
  try {
    app = await cli.open(config, cli.log(config, true));
  } catch (error) {
    tell([{ name: 'database', status: 'missing', message: (error as Error).message }]);
    return all;
  }
  try {
    const where = config.databaseUrl === null ? `embedded, in ${config.dataDir}` : 'DATABASE_URL';
    tell([{ name: 'database', status: 'ok', message: `${where}; its schema is up to date` }]);
    tell(app.model ? await app.model.check() : [noModel]);
    for (const tracker of app.trackers.values()) tell(await tracker.check());
    for (const host of app.codeHosts.values()) tell(await host.check());
    tell(await app.operations.checkAlerts());
    tell([describeRepositories(config.repositories)]);
    if (config.toolServers.length > 0) tell((await app.operations.otherServers.list()).map(describeToolServer));
  } finally {
    await app.stop();
  }
  return all;
}

const noModel: Check = {
  name: 'model',
  status: 'missing',
  message: 'no model is configured',
  remedy: 'Set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or name a model in shipmate.yaml.',
};

function checkMemory({ worker: { slots, memoryPerRun } }: Config): Check {
  const free = availableMemory();
  const name = 'memory';
  if (free === null || memoryPerRun === null)
    return { name, status: 'ok', message: `not looked at; ${slots} runs at once` };
  const room = Math.floor(free / memoryPerRun);
  const message = `${grouped(Math.floor(free / 2 ** 20))} MB free: room for ${Math.min(room, slots)} of ${slots} runs at once`;
  if (room >= slots) return { name, status: 'ok', message };
  return {
    name,
    status: 'warning',
    message,
    remedy: 'Give it more memory, or set worker.slots lower: the rest waits.',
  };
}

async function checkGit(): Promise<Check> {
  try {
    const { stdout } = await runProcess(['git', '--version']);
    return { name: 'git', status: 'ok', message: stdout.toString('utf8').trim() };
  } catch {
    return {
      name: 'git',
      status: 'missing',
      message: 'git is not installed',
      remedy: 'Install it: apt-get install git',
    };
  }
}

function describeRepositories(repositories: Repository[]): Check {
  if (repositories.length > 0)
    return { name: 'repositories', status: 'ok', message: repositories.map(({ name }) => name).join(', ') };
  return {
    name: 'repositories',
    status: 'missing',
    message: 'no repository is configured',
    remedy: 'Name one under "repositories" in shipmate.yaml. Check it with: shipmate doctor --repo PATH',
  };
}

/** By what was last seen of it: none is started for this. */
function describeToolServer({ name, version, difference, problems }: ToolServerView): Check {
  const check = { name: `tool server ${name}` };
  if (difference !== null)
    return {
      ...{ ...check, status: 'warning', message: 'is switched off: its tools are not those that are pinned' },
      remedy: `See how they differ, and accept them: shipmate tools accept ${name}`,
    };
  if (version === null) {
    const remedy = `See what it offers: shipmate tools check ${name}`;
    return { ...check, status: 'warning', message: 'was never used', remedy };
  }
  const [problem] = problems;
  return problem === undefined
    ? { ...check, status: 'ok', message: `version ${version}` }
    : { ...check, status: 'warning', message: problem, remedy: `See what it offers: shipmate tools check ${name}` };
}

async function checkOne(cli: Cli, config: Config, path: string, show: (check: Check) => void): Promise<Check[]> {
  const location = resolve(cli.surroundings.cwd, path);
  const known = config.repositories.find((repository) => repository.location === location);
  const repository = known ?? { name: basename(location), codeHost: 'local-git', location, base: null };
  const { probeSandbox } = await import('../app.ts');
  const missing = (await probeSandbox(config)).find((check) => check.status === 'missing');
  if (missing)
    throw new CliError(
      `Set-up and tests run in a sandbox, and there is none: ${missing.message} ${missing.remedy ?? ''}`,
    );
  const app = await cli.open(config, cli.log(config, true));
  try {
    const checks = await app.checkRepository(repository, cli.signal);
    for (const check of checks) show(check);
    return checks;
  } finally {
    await app.stop();
  }
}
