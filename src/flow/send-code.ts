import type { CodeHost } from '../code-hosts/code-host.ts';
import { type CodeOperation, isOnRequest } from '../core/effect.ts';
import type { Repository } from '../core/repository.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { SessionRow } from '../store/sessions.ts';
import { readSnapshot } from '../store/snapshots.ts';
import { type SessionStore, type StoredSnapshot, WorkspaceError } from '../workspaces/workspaces.ts';
import type { PostDeps } from './post.ts';
import { commitEvidence } from './screenshots.ts';

/** Carries out what is written to a code host. `confirm` is called just before the request leaves. */
export async function sendCode(
  deps: PostDeps,
  session: SessionRow,
  operation: CodeOperation,
  confirm: () => Promise<void>,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const repository = deps.repositories.get(operation.repository);
  const host = repository && deps.codeHosts.get(repository.codeHost);
  if (!repository || !host)
    throw new Error(`The repository "${operation.repository}" is not configured any more; add it to shipmate.yaml.`);
  if (operation.kind === 'openPullRequest') {
    const { kind: _, for: _for, repository: _name, ...input } = operation;
    await confirm();
    return { ...(await host.openPullRequest(repository, input, signal)) };
  }
  if (isOnRequest(operation)) {
    await confirm();
    if (!host.following) return { skipped: 'this code host has no such thing' };
    return host.following.write(repository, operation, signal);
  }
  if (operation.kind === 'pushFile') {
    const { branch, parent, path, text, message, date } = operation;
    if (!(await deps.workspaces.resolve(repository, parent, signal)))
      await deps.workspaces.refresh(repository, await host.locate(repository, signal), signal);
    const { store, tree } = await deps.workspaces.withFile(session.id, repository, parent, { path, text });
    const commit = await deps.workspaces.commit(store, { tree, parent, message, date, author }, signal);
    await confirm();
    return host.pushBranch(repository, { gitDir: store.gitDir, branch, commit, expected: null }, signal);
  }
  if (operation.kind === 'pushEvidence') {
    const { store, commit } = await commitEvidence(deps, session.id, repository, operation, signal);
    await confirm();
    return host.pushBranch(
      repository,
      { gitDir: store.gitDir, branch: operation.branch, commit, expected: null },
      signal,
    );
  }
  if (operation.kind === 'pushRevert') {
    const { branch, parent, reverts, since, message, date } = operation;
    await deps.workspaces.refresh(repository, await host.locate(repository, signal), signal);
    const onto = { commit: reverts, onto: parent, ...(since !== undefined && { since }) };
    const { store, tree, conflicts } = await deps.workspaces.withoutCommit(session.id, repository, onto, signal);
    if (conflicts.length > 0)
      throw new VendorError(`${reverts} cannot be taken back on ${parent}: ${conflicts.slice(0, 20).join(', ')}`, {
        ...{ code: 'invalid', retryable: false },
      });
    const commit = await deps.workspaces.commit(store, { tree, parent, message, date, author }, signal);
    await confirm();
    return host.pushBranch(repository, { gitDir: store.gitDir, branch, commit, expected: null }, signal);
  }
  const snapshot = await readSnapshot(deps.db, operation.snapshotId);
  const { tree, message, date, branch, merges } = operation;
  // A push of ours that was still on its way when this one was written has moved the session's branch since.
  const head = operation.for === undefined ? session.headCommit : null;
  const expected = head ?? operation.expected;
  const parent = head ?? operation.parent;
  const store = await receive(deps, host, repository, { id: session.id, parent }, snapshot, signal);
  const commit = await deps.workspaces.commit(
    store,
    { tree, parent, ...(merges !== undefined && { merges }), message, date, author },
    signal,
  );
  await confirm();
  return host.pushBranch(repository, { gitDir: store.gitDir, branch, commit, expected }, signal);
}

/** A process whose mirror does not have the session's base, or what the commit stands on, fetches it first. */
async function receive(
  deps: PostDeps,
  host: CodeHost,
  repository: Repository,
  { id, parent }: { id: string; parent: string },
  snapshot: StoredSnapshot,
  signal: AbortSignal,
): Promise<SessionStore> {
  const { workspaces } = deps;
  const refresh = async () => workspaces.refresh(repository, await host.locate(repository, signal), signal);
  if (parent !== snapshot.base && !(await workspaces.resolve(repository, parent, signal))) await refresh();
  try {
    return await workspaces.receive(id, repository, snapshot, signal);
  } catch (error) {
    if (!(error instanceof WorkspaceError && error.code === 'base_missing')) throw error;
    await refresh();
    return workspaces.receive(id, repository, snapshot, signal);
  }
}

/** The name on published commits. */
export const author = { name: 'Shipmate', email: 'shipmate@users.noreply.local' };
