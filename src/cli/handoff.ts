import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { App } from '../app.ts';
import type { Repository } from '../core/repository.ts';
import { CliError } from './cli-error.ts';
import { captureFiles, type LocalClone, openClone } from './local-clone.ts';
import type { Cli } from './program.ts';
import { notable, oneLine, shipmate } from './show.ts';
import { whoami } from './tickets.ts';
import { withApp } from './with-app.ts';

interface HandoffOptions {
  assign: boolean;
  title?: string;
  repository?: string;
  base?: string;
  repo?: string;
}

/** Makes a ticket of a sentence and of what is not committed yet. */
export const handoffCommand = (cli: Cli) =>
  new Command('handoff')
    .description('File a ticket whose work begins with the uncommitted changes of your clone, and assign it.')
    .argument('<sentence>', 'what is to be done with them')
    .option('--no-assign', 'leave the ticket to be assigned later')
    .option('--title <title>', 'the title (default: the first sentence)')
    .option('--repository <name>', 'its name in shipmate.yaml (default: the one that your clone is of)')
    .option('--base <branch>', 'the branch that the work is for')
    .option('--repo <path>', 'your clone (default: the one you are in)')
    .action(async (sentence: string, options: HandoffOptions) => {
      if (sentence.trim() === '') throw new CliError('Say in a sentence what is to be done with the changes.');
      needRepositories(cli);
      const clone = await openClone(cli.surroundings, options.repo, cli.signal);
      await withApp(cli, async (app) => {
        const repository = await chooseRepository(clone, app.operations.repositories, options.repository);
        const { branch, base, commits, objects } = await findBase(
          app,
          clone,
          repository,
          options.base ?? null,
          cli.signal,
        );
        const files = { repository, base, ...(await captureFiles(clone, base, objects)) };
        const { assign, title = null } = options;
        const handed = { sentence, title, branch, commits, assign, files };
        const filed = await app.operations.handOff(handed, whoami(), cli.signal);
        cli.print(`${filed.identifier} ${oneLine(title ?? sentence)}`);
        cli.print(`${filed.files} changed file(s) on ${base} of ${branch} are handed over; your clone is as it was.`);
        if (commits > 0) cli.print(`${commits} commit(s) that ${repository.name} does not have are part of it.`);
        for (const warning of filed.warnings) cli.print(notable(oneLine(warning)));
        if (!assign) cli.print(`Nobody has it yet: ${shipmate} tickets assign ${filed.identifier}`);
      });
    });

/** Before anything is opened: without a configuration, an embedded database would be made in the clone. */
export function needRepositories(cli: Cli): void {
  if (cli.load().repositories.length > 0) return;
  throw new CliError(
    'No repository is configured here. Name the shipmate.yaml of your service: shipmate --config FILE ...',
  );
}

/** The commit that the clone and the branch have in common: what comes after it is the person's. */
export async function findBase(
  app: App,
  clone: LocalClone,
  repository: Repository,
  named: string | null,
  signal: AbortSignal,
): Promise<{ branch: string; base: string; commits: number; objects: string }> {
  const { branch, commit, objects } = await app.operations.baseOf(repository, named, signal);
  const head = await clone.run(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (head.exitCode !== 0)
    throw new CliError(`${clone.dir} has no commit yet. Clone ${repository.name} and work there.`);
  const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects) };
  const found = await clone.run(['merge-base', 'HEAD', commit], { env });
  const base = found.stdout.toString('utf8').trim();
  if (found.exitCode !== 0 || base === '') {
    const isShallow = (await clone.must(['rev-parse', '--is-shallow-repository'])).trim() === 'true';
    throw new CliError(
      isShallow
        ? `${clone.dir} is a shallow clone without the commit that it has in common with ${repository.name}. Run \`git fetch --unshallow\` in it.`
        : `${clone.dir} has no commit in common with ${branch} of ${repository.name} (${repository.location}). Is it another repository? Name the right one with --repository or --repo.`,
    );
  }
  const commits = Number(await clone.must(['rev-list', '--count', `${base}..HEAD`], { env }));
  return { branch, base, commits, objects };
}

/** The one that is named, else the one whose place the clone names as its own or its remote's, else the only one. */
export async function chooseRepository(
  clone: LocalClone,
  repositories: Repository[],
  named: string | undefined,
): Promise<Repository> {
  const names = repositories.map(({ name }) => name).join(', ');
  if (named !== undefined) {
    const found = repositories.find(({ name }) => name.toLowerCase() === named.toLowerCase());
    if (found) return found;
    throw new CliError(`There is no repository "${named}" in shipmate.yaml; there are: ${names}.`);
  }
  const urls = await clone.run(['config', '--get-regexp', '^remote\\..*\\.url$']);
  const remotes = urls.stdout
    .toString('utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf(' ') + 1))
    .filter((url) => url !== '');
  const places = await Promise.all([clone.dir, clone.commonDir, ...remotes].map((url) => normal(clone, url)));
  for (const repository of repositories) {
    const location = await normal(clone, repository.location);
    if (places.some((place) => place === location || place.endsWith(`/${repository.location}`))) return repository;
  }
  const [only] = repositories;
  if (only && repositories.length === 1) return only;
  throw new CliError(
    `${clone.dir} is a clone of none of ${names}, as far as its remotes say. Name it with --repository.`,
  );
}

/** A path as the disk has it; anything else as it is, without what may be left off. */
async function normal(clone: LocalClone, url: string): Promise<string> {
  const path = url.startsWith('file://') ? fileURLToPath(url) : resolve(clone.dir, url);
  const onDisk = await realpath(path).catch(() => null);
  return (onDisk ?? url.replace(/^([\w.-]+@)?([\w.-]+):(?!\/\/)/, '$2/')).replace(/\/?(\.git)?\/?$/, '');
}
