import { Command } from 'commander';
import type { App, SessionView } from '../app.ts';
import { CliError } from './cli-error.ts';
import { findBase, needRepositories } from './handoff.ts';
import { captureFiles, type LocalClone, openClone } from './local-clone.ts';
import type { Cli } from './program.ts';
import { type Pulled, readPulled, writePulled } from './pulled.ts';
import { noSession } from './sessions.ts';
import { notable, oneLine, shipmate, showActivity } from './show.ts';
import { whoami } from './tickets.ts';
import { withApp } from './with-app.ts';

interface ResumeOptions {
  repo?: string;
  force?: true;
}

/** Lets a session go on; from a work tree that was pulled, with its files as they are now. */
export const resumeCommand = (cli: Cli) =>
  new Command('resume')
    .description('Go on with a ticket. In a work tree that was pulled and changed, its files are handed back first.')
    .argument('<ticket>', 'such as BOARD-1')
    .argument('[words...]', 'what to do (default: continue)')
    .option('--repo <path>', 'the work tree (default: the one you are in)')
    .option('--force', 'hand the files back although the session has gone on since they were pulled')
    .action(async (ticket: string, words: string[], options: ResumeOptions) => {
      needRepositories(cli);
      const here = await pulledHere(cli, ticket, options.repo);
      await withApp(cli, async (app) => {
        const changed = here && (await changesOf(app, here, cli.signal));
        const back = changed && { files: changed, pulled: options.force ? null : here.pulled.tree };
        const said = words.join(' ').trim() || null;
        const resumed = await app.operations.resume(ticket, { words: said, back }, whoami(), cli.signal);
        if (!resumed) throw await noSession(app, ticket);
        if (changed) {
          await writePulled(here.clone, { ...here.pulled, tree: changed.tree });
          cli.print(
            `${resumed.files} changed file(s) are handed back: the next run goes on from the files as they are here.`,
          );
        } else if (resumed.said && here) cli.print('Nothing was changed here since it was pulled.');
        else if (resumed.said) cli.print('This is no work tree of it that was pulled, so no files are handed back.');
        cli.print(resumed.said ? standing(ticket, await app.sessions.view(ticket)) : `${ticket} is at work already.`);
        for (const warning of resumed.warnings) cli.print(notable(oneLine(warning)));
      });
    });

/** Not what was hoped for: a ticket may have come to its limit, and one that begins may find that it still has to wait. */
export function standing(ticket: string, view: Pick<SessionView, 'state' | 'activities'> | null): string {
  if (view?.state === 'active') return `${ticket} has heard it. What comes of it: ${shipmate} watch ${ticket}`;
  const last = view?.activities.findLast(({ activity }) => activity.type !== 'action');
  return [`${ticket} does not go on: it is ${view?.state}.`, last ? showActivity(last.activity) : ''].join('\n').trim();
}

interface Here {
  clone: LocalClone;
  pulled: Pulled;
}

/** null: this is no work tree that the ticket was pulled into. */
async function pulledHere(cli: Cli, ticket: string, path: string | undefined): Promise<Here | null> {
  const clone = await openClone(cli.surroundings, path, cli.signal).catch((error: unknown) => {
    if (error instanceof CliError && path === undefined) return null;
    throw error;
  });
  const pulled = clone && (await readPulled(clone));
  if (!clone || pulled?.ticket.toLowerCase() !== ticket.toLowerCase()) return null;
  if (pulled.isMaking) throw new CliError(`${clone.dir} was only half pulled. Pull it again first.`);
  return { clone, pulled };
}

/** The files as they are now; null: nobody has changed them. */
async function changesOf(app: App, { clone, pulled }: Here, signal: AbortSignal) {
  const { base, tree, ticket } = pulled;
  const files = await captureFiles(clone, base);
  if (files.tree === tree) return null;
  const repository = app.operations.repositories.find(({ name }) => name === pulled.repository);
  if (!repository) throw new CliError(`The repository "${pulled.repository}" is not in shipmate.yaml any more.`);
  const view = await app.sessions.view(ticket);
  const upstream = await findBase(app, clone, repository, view?.baseBranch ?? null, signal);
  const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(upstream.objects) };
  const stands = await clone.run(['merge-base', '--is-ancestor', base, 'HEAD']);
  const isOld = await clone.run(['merge-base', '--is-ancestor', upstream.base, base], { env });
  if (stands.exitCode !== 0 || isOld.exitCode !== 0)
    throw new CliError(
      `${clone.dir} does not stand on the base of ${ticket} any more: it was rebased, or has commits of ${upstream.branch} that came ` +
        `later. Undo that, or hand the changes over as a ticket of their own (handoff).`,
    );
  return { repository, base, ...files };
}
