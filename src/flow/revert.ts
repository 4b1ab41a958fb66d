import type { Operation } from '../core/effect.ts';
import { cleanCommitText, cleanText } from '../core/outgoing-text.ts';
import type { Repository } from '../core/repository.ts';
import type { RequestProgress } from '../core/request-progress.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import type { Look, RequestDeps } from './follow-requests.ts';

/** A merge that can be taken back without touching what came after it. */
export interface Revert {
  parent: string;
  reverts: string;
  since?: string;
}

/** null: what came after it touches the same lines, or it was taken back already. */
export async function prepareRevert(
  { workspaces, codeHosts, log }: Pick<RequestDeps, 'workspaces' | 'codeHosts' | 'log'>,
  sessionId: string,
  repository: Repository,
  { request, head, mergeCommit }: Pick<RequestProgress, 'request' | 'head' | 'mergeCommit'>,
  signal: AbortSignal,
): Promise<Revert | null> {
  const host = codeHosts.get(repository.codeHost);
  if (!host || mergeCommit === null) return null;
  try {
    await workspaces.refresh(repository, await host.locate(repository, signal), signal);
    const tip = await workspaces.resolve(repository, request.base, signal);
    if (!tip) return null;
    const since = await beforeRebased(workspaces, repository, { head, mergeCommit });
    const onto = { commit: mergeCommit, onto: tip.commit, ...(since !== null && { since }) };
    const { tree, conflicts } = await workspaces.withoutCommit(sessionId, repository, onto, signal);
    return conflicts.length > 0 || tree === tip.tree
      ? null
      : { parent: tip.commit, reverts: mergeCommit, ...(since !== null && { since }) };
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ err: error, session_id: sessionId }, 'a revert could not be prepared');
    return null;
  }
}

/** Of several commits that were merged one by one, the merge commit is the last: the commit before them. null: it is one alone. */
async function beforeRebased(
  workspaces: Workspaces,
  repository: Repository,
  { head, mergeCommit }: { head: string; mergeCommit: string },
): Promise<string | null> {
  const fork = await workspaces.mergeBase(repository, mergeCommit, head).catch(() => null);
  if (fork === null || fork === head) return null; // its own commits are on the base, or nobody has them any more
  const [own, there] = await Promise.all(
    [head, mergeCommit].map((to) => workspaces.commitsBetween(repository, fork, to)),
  );
  const count = own?.length ?? 0;
  if (!own || !there || count < 2 || there.length < count) return null;
  const isSame = own.every(({ subject }, index) => subject === there[there.length - count + index]?.subject);
  return isSame ? (there[there.length - count - 1]?.commit ?? fork) : null;
}

/** Tells people that the base is red, with a draft at hand that takes the change back. Call with the session's lock held. */
export async function offerRevert(
  tx: Tx,
  session: SessionRow,
  { revert, repository, progress: { request } }: Look,
  stage: Stage,
  cause: string,
  body: string,
): Promise<void> {
  if (!revert || session.branch === null) {
    await addActivities(tx, stage, cause, [{ type: 'elicitation', body }]);
    return;
  }
  const key = `${session.id}/${cause}`;
  const branch = `${session.branch}-revert`;
  const title = cleanText(cleanCommitText(`Revert "${request.title}"`), 120);
  const push: Operation = {
    ...{ kind: 'pushRevert', id: deterministicId(key, 'push'), repository: repository.name, branch, ...revert },
    message: `${title}\n\nThis takes back ${revert.reverts}: checks of the base failed after it.\n\nTicket: ${session.hint.identifier}\n`,
    date: new Date().toISOString(),
  };
  const open: Operation = {
    ...{ kind: 'openPullRequest', for: 'proposal', id: deterministicId(key, 'open'), repository: repository.name },
    ...{ head: branch, base: request.base, title, draft: true },
    body: `Takes back #${request.number}, because checks of \`${request.base}\` failed after it was merged. Nobody but people merges this.`,
  };
  const of = { sessionId: session.id, runId: null, stepId: null };
  await addEffects(tx, [
    { ...of, key: `${key}/revert`, operation: push },
    { ...of, key: `${key}/revert/open`, operation: open, after: [`${key}/revert`] },
  ]);
  const link = { from: `${key}/revert/open`, field: 'url' };
  await addActivities(tx, stage, cause, [{ type: 'elicitation', body }], { link });
}
