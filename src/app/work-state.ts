import type { CodeHost } from '../code-hosts/code-host.ts';
import { protectedAs } from '../core/protected-paths.ts';
import { branchName } from '../core/pull-request-text.ts';
import { Refusal } from '../core/refusal.ts';
import type { Repository } from '../core/repository.ts';
import type { WorkLog } from '../core/work-log.ts';
import { readAttention } from '../store/attention.ts';
import type { Database } from '../store/database.ts';
import { latestHandover, readHandedOver } from '../store/handovers.ts';
import { findSessionByIdentifier, type SessionRow } from '../store/sessions.ts';
import { latestSnapshot } from '../store/snapshots.ts';
import { readWorkLog } from '../store/work-log.ts';
import { describeRepository } from '../workspaces/repository-facts.ts';
import { WorkspaceError, type Workspaces } from '../workspaces/workspaces.ts';

/** All that somebody needs to go on with a ticket's work by hand. */
export interface Work {
  sessionId: string;
  identifier: string;
  repository: Repository;
  baseBranch: string;
  /** The commit that the work stands on. */
  base: string;
  /** Where it is published, or will be. */
  branch: string;
  /** What was pushed there; null: nothing, or it is not to be had any more. */
  head: string | null;
  pullRequest: { number: number; url: string } | null;
  /** The newest state of the files: a commit on the base, its tree, and when it was taken. */
  commit: string;
  tree: string;
  takenAt: Date | null;
  /** A git pack with whatever of `head` and `commit` the base does not reach. */
  pack: Uint8Array;
  /** Changed files that decide what is run or said to agents. */
  wary: { path: string; what: string }[];
  /** Commands that make a checkout able to run its tests, as the base branch has them. */
  setup: string[];
  isAtWork: boolean;
  log: WorkLog;
}

export interface WorkDeps {
  db: Database;
  workspaces: Workspaces;
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
}

/** null: the ticket has no session. Throws `Refusal` where there is nothing to go on with. */
export async function readWork(deps: WorkDeps, identifier: string, signal: AbortSignal): Promise<Work | null> {
  const { db, workspaces } = deps;
  const session = await findSessionByIdentifier(db, identifier);
  if (!session) return null;
  const name = session.hint.identifier;
  const handover = await latestHandover(db, session.ticketId);
  const waits = handover?.runId === null ? handover : null;
  const { repositoryName, base } = placeOf(session, waits);
  const repository = deps.repositories.get(repositoryName ?? '');
  if (!repository || base === null)
    throw new Refusal(`${name} has no work yet: its repository has not been looked at. Wait until the work has begun.`);
  const location = await refresh(deps, repository, signal);
  const resolved = await workspaces.resolve(repository, base, signal);
  if (!resolved) throw new Refusal(`The commit ${base} that ${name} stands on is not in ${repository.name} any more.`);
  const stored = waits ? await readHandedOver(db, waits) : await latestSnapshot(db, session.id);
  const fits = stored?.base === base ? stored : null;
  const snapshot = fits ?? { base, commit: base, tree: resolved.tree, bundle: null, path: null };
  return refusing(async () => {
    const store = await workspaces.receive(session.id, repository, snapshot, signal);
    const wanted = session.headCommit === null ? [snapshot.commit] : [snapshot.commit, session.headCommit];
    const { has, pack } = await workspaces.pack(store, wanted, base, signal);
    const changes = await workspaces.changes(store, base, snapshot.tree);
    // A .shipmate.yml that cannot be used is told by the run that needs it.
    const facts = await describeRepository(workspaces, repository, base).catch(() => null);
    const head = session.headCommit !== null && has.includes(session.headCommit) ? session.headCommit : null;
    return {
      sessionId: session.id,
      identifier: name,
      repository,
      baseBranch: session.baseBranch ?? repository.base ?? location.defaultBranch,
      base,
      branch: session.branch ?? branchName(name, session.hint.title),
      head,
      pullRequest: session.pullRequest,
      commit: snapshot.commit,
      tree: snapshot.tree,
      takenAt: waits?.at ?? fits?.at ?? null,
      pack,
      wary: changes.flatMap(({ path }) => {
        const what = protectedAs(path);
        return what === null ? [] : [{ path, what }];
      }),
      setup: facts?.setup.commands ?? [],
      isAtWork: (await readAttention(db, session.id)).run !== null,
      log: await readWorkLog(db, session),
    };
  });
}

function placeOf(
  session: SessionRow,
  waits: { repository: string; base: string } | null,
): { repositoryName: string | null; base: string | null } {
  return {
    repositoryName: session.repository ?? waits?.repository ?? null,
    base: waits?.base ?? session.baseCommit,
  };
}

/** Brings our mirror of a repository up to date. */
export async function refresh(
  { codeHosts, workspaces }: Pick<WorkDeps, 'codeHosts' | 'workspaces'>,
  repository: Repository,
  signal: AbortSignal,
) {
  const host = codeHosts.get(repository.codeHost);
  if (!host) throw new Refusal(`The code host "${repository.codeHost}" of ${repository.name} is not configured.`);
  const location = await host.locate(repository, signal);
  await workspaces.refresh(repository, location, signal);
  return location;
}

/** What cannot be done with a repository is told to whoever asked for it. */
export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof WorkspaceError ? new Refusal(error.message) : error;
  }
}
