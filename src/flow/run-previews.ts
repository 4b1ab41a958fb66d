import { isIP } from 'node:net';
import type { CodeHost } from '../code-hosts/code-host.ts';
import { type PreviewOutcome, type PreviewRun, readAddress } from '../core/previews.ts';
import type { Repository } from '../core/repository.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import { addEvidence } from '../store/evidence.ts';
import { hastenRequests } from '../store/followed-requests.ts';
import { type ClaimedPreview, claimPreview, holdPreview, returnPreview, settlePreview } from '../store/previews.ts';
import { findSession } from '../store/sessions.ts';
import { defaultLimits, evidenceOf, runCommand } from '../verification/commands.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import type { RunDeps } from './run.ts';

export interface PreviewDeps {
  db: Database;
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
  workspaces: Workspaces;
  describeRepository: RunDeps['describeRepository'];
  log: Log;
  /** Whether a preview may be at an IP address: whoever may deploy names it, and it could be one of ours. */
  atAddresses?: boolean;
}

const mostTries = 3;
const againSeconds = 60;
const holdEveryMs = 15_000;

/**
 * Runs what repositories want run against the previews of pull requests: on a clean checkout of the published commit, in a
 * sandbox that reaches the preview's host and no other. One at a time; any number of processes may do this. What came of it
 * is a row; whoever follows the pull request is told to look.
 */
export async function runPreviews(deps: PreviewDeps, signal: AbortSignal): Promise<void> {
  for (;;) {
    const claimed = signal.aborted ? null : await claimPreview(deps.db);
    if (!claimed) return;
    await runClaimed(deps, claimed, signal);
  }
}

async function runClaimed(deps: PreviewDeps, claimed: ClaimedPreview, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const lost = new AbortController();
  const lose = () => lost.abort(new Error('somebody else runs this by now'));
  const holding = setInterval(
    () =>
      holdPreview(db, claimed).then(
        (held) => (held ? null : lose()),
        () => {},
      ), // the next time tells
    holdEveryMs,
  );
  try {
    const fell = `${mostTries} workers that tried it came to no end.`;
    const outcome: PreviewOutcome =
      claimed.tries > mostTries ? { error: fell } : await tryOut(deps, claimed, AbortSignal.any([signal, lost.signal]));
    await settle(deps, claimed, outcome);
  } catch (error) {
    if (lost.signal.aborted || isDatabaseUnavailable(error)) return;
    if (signal.aborted) return await returnPreview(db, claimed, { afterSeconds: 0, uncounted: true });
    log.warn({ err: error, session_id: claimed.sessionId }, 'nothing could be run against a preview');
    if (claimed.tries < mostTries)
      return await returnPreview(db, claimed, { afterSeconds: againSeconds, uncounted: false });
    await settle(deps, claimed, { error: error instanceof Error ? error.message : String(error) });
  } finally {
    clearInterval(holding);
  }
}

async function settle({ db }: PreviewDeps, claimed: ClaimedPreview, outcome: PreviewOutcome): Promise<void> {
  const { sessionId, head, url } = claimed;
  await db.transaction().execute(async (tx) => {
    const settled = await settlePreview(tx, claimed, outcome);
    if (!settled) return;
    if ('runs' in outcome) {
      const evidence = outcome.runs.map((run) => evidenceOf({ ...run, report: null }, 'head', ' (preview)'));
      await addEvidence(tx, { sessionId, runId: settled.runId, key: `preview/${head}/${url}` }, evidence);
    }
    await hastenRequests(tx, [claimed.repository], { commit: head });
  });
}

async function tryOut(deps: PreviewDeps, claimed: ClaimedPreview, signal: AbortSignal): Promise<PreviewOutcome> {
  const { db, workspaces } = deps;
  const { sessionId, head, url } = claimed;
  const repository = deps.repositories.get(claimed.repository);
  const host = repository && deps.codeHosts.get(repository.codeHost);
  if (!repository || !host) return { error: `${claimed.repository} is not configured any more.` };
  const address = readAddress(url);
  if (!address || (!deps.atAddresses && isIP(new URL(address.url).hostname.replace(/^\[|\]$/g, ''))))
    return { error: 'A preview must be at a host that has a name.' };

  await workspaces.refresh(repository, await host.locate(repository, signal), signal);
  const known = (await findSession(db, sessionId))?.baseCommit ?? null;
  const base = known === null ? null : await workspaces.resolve(repository, known, signal);
  const published = await workspaces.resolve(repository, head, signal);
  if (!base || !published) return { error: `The commit ${head} is not in ${repository.name} any more.` };
  // Dependencies come of the base, as in verification: what the change would install runs nowhere with a network.
  const { setup } = await deps.describeRepository(repository, base.commit);
  const bare = { base: base.commit, commit: base.commit, tree: base.tree, bundle: null, path: null };
  const store = await workspaces.receive(sessionId, repository, bare, signal);
  const snapshot = { ...(await workspaces.snapshotOf(store, published.tree, base, signal)), path: null };
  const checkout = await workspaces.checkout(
    {
      ...{ repository, base: base.commit, setup, snapshot, at: 'head' },
      ...{ network: { hosts: [address.host] }, env: { PREVIEW_URL: address.url } },
    },
    signal,
  );
  try {
    const runs: PreviewRun[] = [];
    for (const command of claimed.commands) {
      const ran = await runCommand(checkout, command, { limits: defaultLimits, signal });
      const { exitCode, stopped, durationMs, log } = ran;
      runs.push({ command, exitCode, stopped, durationMs, log });
    }
    return { runs };
  } finally {
    await checkout.release();
  }
}
