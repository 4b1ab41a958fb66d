import type { CodeHost } from '../code-hosts/code-host.ts';
import { inEscalation } from '../core/escalation.ts';
import { inline } from '../core/markdown.ts';
import { cleanLine } from '../core/outside-text.ts';
import type { Repository } from '../core/repository.ts';
import type { Ticket } from '../core/ticket.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { lockSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { saveSnapshot } from '../store/snapshots.ts';
import type { NotPrepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/**
 * Where the ticket is a pull request of others, on which somebody asked for the agent: it works on that branch, as it would on
 * its own, and pushes to it. Title, text and fate of the pull request stay theirs.
 */
export async function adoptRequest(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  { request }: Ticket,
  { repository, host }: { repository: Repository; host: CodeHost },
  signal: AbortSignal,
): Promise<SessionRow | NotPrepared> {
  if (!request || session.branch !== null || run.purpose === 'scope') return session;
  const { number, url, head, base: baseBranch } = request;
  if (request.isFork)
    return refuse(
      `${url} comes from a fork, and I may push only to branches of ${inline(repository.name, 100)} itself.`,
      'Push its branch here and open it from there, or give me a ticket for what is to be done.',
    );
  const { workspaces, db } = deps;
  await workspaces.refresh(repository, await host.locate(repository, signal), signal);
  const [tip, base] = await Promise.all([head, baseBranch].map((name) => workspaces.resolve(repository, name, signal)));
  const fork = tip && base && (await workspaces.mergeBase(repository, tip.commit, base.commit));
  const start = fork && (await workspaces.resolve(repository, fork, signal));
  if (!tip || !start)
    return refuse(
      `The branch \`${inline(head, 100)}\` of ${url} is not there any more.`,
      'Push it again, then say "continue".',
    );
  const store = await workspaces.storeOf(session.id, repository);
  const made = await workspaces.snapshotOf(store, tip.tree, start, signal);
  const kept = await workspaces.keep(session.id, made);
  const changes = {
    ...{ branch: head, headCommit: tip.commit, headTree: tip.tree, baseBranch, baseCommit: start.commit },
    ...{ pullRequest: { number, url }, adopted: true },
  };
  await db.transaction().execute(async (tx) => {
    await lockSession(tx, session.id);
    await holdRun(tx, run);
    await saveSnapshot(tx, { sessionId: session.id, runId: run.id }, { ...kept, stepSeq: 0, bytes: made.bytes });
    await updateSession(tx, session.id, changes);
  });
  return { ...session, ...changes };
}

/** Told as the first run begins. */
export function noteOfAdopted({ branch, baseBranch }: SessionRow, { request }: Ticket): string {
  return (
    `The ticket is pull request #${request?.number} of somebody else; the workspace holds its branch ${cleanLine(branch ?? '', 100)}, made for ` +
    `${cleanLine(baseBranch ?? '', 100)}. Do what you were asked on it and nothing more; finish pushes that to the branch as one commit.`
  );
}

function refuse(blocks: string, option: string): NotPrepared {
  return { outcome: inEscalation('needsInput', { blocks, options: [option] }), heard: [] };
}
