import { spawn } from 'node:child_process';
import { readdir, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { App, Work } from '../app.ts';
import { lastFailed, writePlan, writeWorkLog } from '../core/work-log.ts';
import { CliError } from './cli-error.ts';
import { needRepositories } from './handoff.ts';
import { type LocalClone, openClone, withoutFilters } from './local-clone.ts';
import type { Cli } from './program.ts';
import { isAsPulled, listWorkTrees, type Pulled, readPulled, writePulled } from './pulled.ts';
import { noSession } from './sessions.ts';
import { bold, notable, oneLine, shipmate } from './show.ts';
import { whoami } from './tickets.ts';
import { withApp } from './with-app.ts';

interface PullOptions {
  repo?: string;
  force?: true;
  stop?: true;
  setup?: true;
}

/** Takes a ticket's work over into a work tree of one's own clone. */
export const pullCommand = (cli: Cli, exit: (code: number) => void) =>
  new Command('pull')
    .description("Bring a ticket's branch, files, log and failing command into a work tree of your clone.")
    .argument('<ticket>', 'such as BOARD-1')
    .argument('[dir]', 'where to; default: beside your clone, CLONE-TICKET')
    .option('--repo <path>', 'your clone of the repository (default: the one you are in)')
    .option('--force', 'bring a work tree that was pulled before up to date, if nothing was changed in it')
    .option('--stop', 'stop the work first')
    .option('--setup', 'run the set-up commands there: on this machine, outside any sandbox')
    .action(async (ticket: string, dir: string | undefined, options: PullOptions) => {
      needRepositories(cli);
      const clone = await openClone(cli.surroundings, options.repo, cli.signal);
      await withApp(cli, async (app) => {
        if (options.stop) await stopFirst(cli, app, ticket);
        const work = await app.operations.workOf(ticket, cli.signal);
        if (!work) throw await noSession(app, ticket);
        const main = basename(clone.commonDir) === '.git' ? dirname(clone.commonDir) : clone.dir;
        const place = await placeOf(
          dir === undefined
            ? join(dirname(main), `${basename(main)}-${work.identifier}`)
            : resolve(cli.surroundings.cwd, dir),
        );
        await bringIn(clone, work);
        const filters = await layOut(clone, work, place, options.force === true);
        const logFile = `${place}.log`;
        await writeFile(logFile, writeWorkLog(work.log));
        tell(cli, app, work, { place, logFile, filters });
        if (options.setup && !(await runSetup(cli, work, place))) exit(1);
      });
    });

/** With the real path of its parent, as git lists it. */
async function placeOf(dir: string): Promise<string> {
  const parent = await realpath(dirname(dir)).catch(() => {
    throw new CliError(`${dirname(dir)} does not exist. Make it, or name another place.`);
  });
  return join(parent, basename(dir));
}

const stopWithinMs = 60_000;

async function stopFirst(cli: Cli, app: App, ticket: string): Promise<void> {
  const stopped = await app.operations.stopSession(ticket, whoami());
  if (stopped === null) throw await noSession(app, ticket);
  const until = Date.now() + stopWithinMs;
  for (;;) {
    const view = await app.sessions.view(ticket);
    if (view && view.state !== 'active' && view.state !== 'pending') return;
    if (Date.now() > until)
      throw new CliError(
        `${ticket} did not stop within a minute. Does a worker run? It is asked to stop; pull it then.`,
      );
    await delay(200, undefined, { signal: cli.signal });
  }
}

/** The objects, checked by git as it stores them: what comes in was made by an agent. */
async function bringIn(clone: LocalClone, work: Work): Promise<void> {
  const { base, repository, identifier } = work;
  const known = await clone.run(['cat-file', '-e', `${base}^{commit}`]);
  if (known.exitCode !== 0)
    throw new CliError(
      `${clone.dir} does not have the commit ${base} that ${identifier} stands on. If it is a clone of ${repository.name} ` +
        `(${repository.location}), run \`git fetch\` in it and pull again; else name your clone with --repo PATH.`,
    );
  if (Buffer.from(work.pack).readUInt32BE(8) === 0) return; // a pack of nothing
  const stored = await clone.run(['index-pack', '--stdin', '--fix-thin', '--strict'], { stdin: work.pack });
  if (stored.exitCode !== 0)
    throw new CliError(
      `Git refuses what ${identifier} holds, so nothing was changed: ${stored.stderr.trim().slice(-1000)}`,
    );
}

/** Makes the work tree, or brings it up to date: the branch where it was published, the files over it, uncommitted. */
async function layOut(clone: LocalClone, work: Work, place: string, force: boolean): Promise<string[]> {
  const { identifier, branch, repository, base, tree } = work;
  const head = work.head ?? base;
  const trees = await listWorkTrees(clone);
  const isOurs = trees.some(({ path }) => path === place) && (await readdir(place).catch(() => null)) !== null;
  const elsewhere = trees.find((each) => each.branch === branch && each.path !== place);
  if (elsewhere)
    throw new CliError(
      `The branch ${branch} is checked out in ${elsewhere.path}. Check out another one there, or pull into that directory.`,
    );
  if (isOurs) await mayUpdate(clone, work, place, force);
  else await mayCreate(clone, work, place, force);
  if (!isOurs) await clone.must(['worktree', 'add', '--quiet', '--no-checkout', '-f', '-B', branch, place, head]);
  const there = await clone.at(place);
  const state: Pulled = { ticket: identifier, repository: repository.name, base, head, tree, isMaking: true };
  await writePulled(there, state);
  if (isOurs) {
    await there.must(['update-ref', `refs/heads/${branch}`, head]);
    await there.must(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
  }
  const { settings, names } = await withoutFilters(there);
  await there.must([...settings, 'read-tree', '-u', '--reset', tree]);
  await writePulled(there, { ...state, isMaking: false });
  return names;
}

async function mayUpdate(clone: LocalClone, work: Work, place: string, force: boolean): Promise<void> {
  const { identifier, branch } = work;
  const there = await clone.at(place);
  const state = await readPulled(there);
  const asPulled = await isAsPulled(there, state);
  if (state === null && !asPulled)
    throw new CliError(`${place} is a work tree of yours, and not one that was pulled. Name another directory.`);
  if (state !== null && state.ticket !== identifier)
    throw new CliError(`${place} holds ${state.ticket}. Name another directory.`);
  const isHalfMade = state === null || state.isMaking;
  if (!force && !isHalfMade)
    throw new CliError(
      `${place} holds ${identifier} already. With --force it is brought up to date, if nothing was changed in it; ` +
        `\`git worktree remove ${place}\` takes it away.`,
    );
  if (!asPulled)
    throw new CliError(
      `There are changes of yours in ${place}, so it stays as it is. Hand them back (\`${shipmate} resume ${identifier} --repo ${quoted(place)}\`), ` +
        'or pull into another directory.',
    );
  const on = (await there.run(['symbolic-ref', '--short', 'HEAD'])).stdout.toString('utf8').trim();
  if (on !== branch) await mayMoveBranch(clone, work, force);
}

async function mayCreate(clone: LocalClone, work: Work, place: string, force: boolean): Promise<void> {
  const entries = await readdir(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CliError(`${place} is not a directory. Name another place.`);
  });
  if (entries.length > 0)
    throw new CliError(`${place} exists and is not empty. Name another directory, or move it away.`);
  await mayMoveBranch(clone, work, force);
}

/** A branch of that name may only be moved where nothing that is on it gets lost. */
async function mayMoveBranch(clone: LocalClone, { branch, head, base }: Work, force: boolean): Promise<void> {
  const to = head ?? base;
  const at = await clone.run(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
  if (at.exitCode !== 0) return;
  const commit = at.stdout.toString('utf8').trim();
  const holdsNothing = (await clone.run(['merge-base', '--is-ancestor', commit, to])).exitCode === 0;
  if (force && holdsNothing) return;
  throw new CliError(
    holdsNothing
      ? `Your clone has a branch ${branch} already. It has nothing of its own: with --force it is used.`
      : `Your clone has a branch ${branch} with commits of its own. Give it another name first: git branch -m ${branch} mine`,
  );
}

function tell(
  cli: Cli,
  app: App,
  work: Work,
  { place, logFile, filters }: { place: string; logFile: string; filters: string[] },
): void {
  const { log, identifier, branch, base, baseBranch, head, pullRequest, takenAt, setup } = work;
  const line = (name: string, text: string) => cli.print(`${name.padEnd(11)}${oneLine(text)}`);
  cli.print(`${bold(identifier)} ${oneLine(log.ticket.title)}`);
  line('Directory', place);
  line('Branch', branch);
  line('Base', `${base} (${baseBranch})`);
  line('Published', head === null ? 'nothing yet' : `${head}${pullRequest ? `  ${pullRequest.url}` : ''}`);
  line(
    'Files',
    takenAt
      ? `as of ${takenAt.toISOString()}; \`git diff HEAD\` shows what is not published`
      : 'nothing was changed yet',
  );
  line('Set-up', setup.length === 0 ? 'none' : setup.join(' && '));
  line('Log', logFile);
  if (log.plan.length > 0) cli.print(`\n${writePlan(log.plan)}`);
  const failed = lastFailed(log);
  if (failed) {
    cli.print(
      `\nLast failing command (${failed.by}), written by the agent or the repository: read it before you paste it.`,
    );
    cli.print(`cd ${quoted(place)}\n${failed.command.replaceAll(app.workspaces.dirOf(work.sessionId), quoted(place))}`);
  }
  for (const { path, what } of work.wary)
    cli.print(
      notable(`\nLook at ${oneLine(path)} before you run or open anything there: it is ${what}, and it was changed.`),
    );
  if (filters.length > 0)
    cli.print(`\nFilters (${oneLine(filters.join(', '))}) were not run: the files are as git stores them.`);
  if (work.isAtWork)
    cli.print(
      notable(
        `\nShipmate is still at work on ${identifier}: these are its files as of the time above. --stop stops it first.`,
      ),
    );
  cli.print(`\nTo hand it back as you leave it: ${shipmate} resume ${identifier} --repo ${quoted(place)}`);
}

function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

async function runSetup(cli: Cli, { setup }: Work, place: string): Promise<boolean> {
  for (const command of setup) {
    cli.print(`\n$ ${oneLine(command)}`);
    const code = await new Promise<number | null>((ended, failed) => {
      const options = { cwd: place, env: cli.surroundings.env, signal: cli.signal, stdio: 'inherit' as const };
      spawn('sh', ['-c', command], options).on('close', ended).on('error', failed);
    });
    if (code === 0) continue;
    cli.surroundings.stderr.write(`The set-up command failed (${code ?? 'killed'}): ${oneLine(command)}\n`);
    return false;
  }
  return true;
}
