import { setTimeout as delay } from 'node:timers/promises';
import type { CodeHost } from '../code-hosts/code-host.ts';
import {
  type CodeOperation,
  isBeside,
  laneOf,
  laterKeys,
  type Operation,
  resolveLater,
  type TicketOperation,
  withLink,
} from '../core/effect.ts';
import type { Repository } from '../core/repository.ts';
import { requestUrl } from '../core/session-link.ts';
import { isOver } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import type { Log } from '../lib/log.ts';
import { dropActivity, settleActivity } from '../store/activities.ts';
import { claimEffects } from '../store/claim-effects.ts';
import type { Database, Tx } from '../store/database.ts';
import {
  type ClaimedEffect,
  confirmLease,
  failDependents,
  isFiling,
  postponeEffect,
  renewLeases,
  renewLeasesEveryMs,
  resultsOf,
  settleEffect,
} from '../store/effects.ts';
import { followOpened } from '../store/followed-requests.ts';
import { findSessionOfLease, lockSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { markDueNext, markLost, markOver } from '../store/waits.ts';
import type { Sent, Tracker } from '../trackers/tracker.ts';
import { WorkspaceError, type Workspaces } from '../workspaces/workspaces.ts';
import { oweAnswers } from './answer-remarks.ts';
import { writeSpent } from './footer.ts';
import type { PageOf } from './link-session.ts';
import { accountsOf, closeFor, isClosed } from './rate-limits.ts';
import { readContent } from './screenshots.ts';
import { sendCode } from './send-code.ts';
import { tellFailed } from './tell-failed.ts';

export interface PostDeps {
  db: Database;
  trackers: ReadonlyMap<string, Tracker>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
  workspaces: Workspaces;
  pageOf: PageOf | null;
  /** Tells the workers of this process that there is something to do. */
  wake(drain: 'post'): void;
  worker: string;
  /** Ids of the effects that this process is sending. */
  inHand: Set<string>;
  failpoint: Failpoint;
  log: Log;
}

const atOnce = 16;
const lookAgainMs = 250;
const gatherMs = 5;
/** Tries before an effect counts as failed for good, with the waits below about half an hour; few where we do not know what failed. */
const maxTries = { known: 20, unknown: 4 };

/**
 * Post: carries effects out until none is left that may be sent now. Order holds within a session's lane; different
 * sessions and lanes go at once. A committed effect belongs to its session, whatever attempt of a run wrote it.
 *
 * A lease says who is at it. It is looked at, and made whole again, as the last thing before a request leaves, so a poster that
 * was frozen anywhere else sends nothing that is somebody else's by now. One window stays: frozen between that look and the
 * request for longer than the lease, it sends what another poster has sent meanwhile. The destination closes it: each write
 * carries an id of ours, or the commit that it expects, or looks before it writes. Settling goes by the lease in any case.
 */
export async function postEffects(deps: PostDeps, signal: AbortSignal): Promise<void> {
  const active = new Map<readonly ClaimedEffect[], Promise<void>>();
  const accounts = accountsOf(deps.repositories.values());
  const gathering = [...deps.trackers.values()].filter(({ gatherMs }) => gatherMs > 0);
  const gather = Object.fromEntries(gathering.map(({ kind, gatherMs }) => [kind, gatherMs / 1000]));
  const renewing = setInterval(() => {
    // A renewal that is lost costs nothing but this poster's claim to what it has in hand.
    renewLeases(deps.db, [...active.keys()].flat()).catch(() => {});
  }, renewLeasesEveryMs);
  try {
    while (!signal.aborted) {
      const claimed = await claimEffects(deps.db, { ...deps, accounts, gather }, atOnce - active.size);
      for (const row of Map.groupBy(claimed, ({ sessionId, lane }) => `${sessionId}/${lane}`).values()) {
        for (const { id } of row) deps.inHand.add(id);
        const sending = carryOut(deps, row, signal).finally(() => {
          for (const { id } of row) deps.inHand.delete(id);
          active.delete(row);
        });
        active.set(row, sending);
      }
      if (active.size === 0) return;
      // A slow one must not keep what came meanwhile from leaving; of quick ones several end before it is worth a look.
      await Promise.all([Promise.race([...active.values(), delay(lookAgainMs)]), delay(gatherMs)]);
    }
  } finally {
    await Promise.allSettled(active.values());
    clearInterval(renewing);
  }
}

/** The lease has run out; the effect is somebody else's. */
class LeaseLost extends Error {}

/** Its account was closed, for whatever reason, after it was claimed. */
class ClosedMeanwhile extends Error {}

/**
 * Effects of one session and lane, in their order. Never rejects: what cannot even be written down is tried again when its
 * lease has run out.
 */
async function carryOut(deps: PostDeps, effects: readonly ClaimedEffect[], signal: AbortSignal): Promise<void> {
  let at = 0; // whose turn it is: what fails, fails with it
  let settled = 0;
  try {
    const operations: Operation[] = [];
    for (const { operation } of effects) {
      at = operations.length;
      deps.failpoint(`effect/${operation.kind}/before`);
      operations.push(resolveLater(operation, await resultsOf(deps.db, laterKeys(operation))));
    }
    at = 0;
    const session = await findSessionOfLease(deps.db, effects[0] as ClaimedEffect);
    if (!session) return;
    const confirm = async () => {
      for (const effect of effects) await confirmOne(deps, effect);
    };
    for (const sent of await send(deps, session, operations, confirm, signal)) {
      if ('error' in sent) throw sent.error;
      await settle(deps, session, effects[at] as ClaimedEffect, operations[at] as Operation, sent.result);
      settled = ++at;
    }
  } catch (error) {
    const failed = error instanceof LeaseLost || signal.aborted ? null : effects[at];
    const reason = signal.aborted ? 'the service stopped while it was sent' : 'one before it could not be sent';
    for (const effect of effects.slice(settled))
      if (effect !== failed) await postponeEffect(deps.db, effect, 0, reason, signal.aborted).catch(() => {});
    if (!failed) return;
    await refuse(deps, failed, error).catch((trouble: unknown) =>
      deps.log.warn({ err: trouble, effect: failed.key }, 'the failure of an effect could not be written down'),
    );
  }
}

/** As the last thing before the request leaves. */
async function confirmOne(deps: PostDeps, effect: ClaimedEffect): Promise<void> {
  const lease = await confirmLease(deps.db, effect);
  if (!lease) throw new LeaseLost();
  if (lease.isClosed) throw new ClosedMeanwhile(`${effect.account} is closed`);
  deps.failpoint(`effect/${effect.operation.kind}/mid`);
}

async function settle(
  deps: PostDeps,
  session: SessionRow,
  effect: ClaimedEffect,
  operation: Operation,
  result: Record<string, unknown>,
): Promise<void> {
  deps.failpoint(`effect/${operation.kind}/after`);
  const settleOn = (on: Database | Tx) => settleEffect(on, effect, { state: 'done', result });
  if (!isRemembered(operation)) await settleOn(deps.db);
  else
    await deps.db.transaction().execute(async (tx) => {
      // Before the effect, as everybody who locks both.
      if (operation.kind === 'createTicket' || operation.kind === 'takeTicket') await lockSession(tx, session.id);
      if (await settleOn(tx)) await remember(tx, session, operation, result);
    });
  deps.failpoint(`effect/${operation.kind}/settled`);
}

/** `confirm` is called just before the request leaves. Operations of the lane `code` come one at a time. */
async function send(
  deps: PostDeps,
  session: SessionRow,
  operations: readonly Operation[],
  confirm: () => Promise<void>,
  signal: AbortSignal,
): Promise<Sent[]> {
  const [first] = operations;
  if (first && laneOf(first) === 'code')
    return [{ result: await sendCode(deps, session, first as CodeOperation, confirm, signal) }];
  const tracker = deps.trackers.get(session.hint.tracker);
  if (!tracker)
    throw new Error(`The tracker "${session.hint.tracker}" is not configured any more; add it to shipmate.yaml.`);
  // Trackers that gather what is shown keep all of it in one place.
  const spent = tracker.gatherMs > 0 && operations.some(isShown) ? await writeSpent(deps.db, session.id) : undefined;
  const seen: TicketOperation[] = [];
  for (const operation of operations as TicketOperation[]) seen.push(await asSeen(deps, session, operation, spent));
  await confirm();
  return tracker.send(session.hint, seen, signal);
}

/** With what is known only when it leaves. */
async function asSeen(
  { db, pageOf }: PostDeps,
  { id, hint: { identifier } }: SessionRow,
  operation: TicketOperation,
  spent: string | undefined,
): Promise<TicketOperation> {
  const shown = spent === undefined ? {} : { spent };
  if (operation.kind === 'updatePlan') return { ...operation, ...shown };
  if (operation.kind === 'postActivity') return { ...operation, ...shown, activity: withLink(operation) };
  if (operation.kind === 'attachFile') return { ...operation, content: await readContent(db, id, operation.evidence) };
  if (operation.kind !== 'attachPullRequest' || typeof operation.url !== 'string') return operation;
  const page = pageOf ? await pageOf({ id, identifier }) : null;
  return { ...operation, url: requestUrl(operation.url, Number(operation.number), page) };
}

function isShown({ kind }: Operation): boolean {
  return kind === 'postActivity' || kind === 'updatePlan';
}

function isRemembered(operation: Operation): boolean {
  switch (operation.kind) {
    case 'postActivity':
      return operation.link !== undefined;
    case 'moveTicket':
      return isOver(operation.to);
    case 'createTicket':
    case 'takeTicket':
      return true;
    default:
      return laneOf(operation) === 'code';
  }
}

/** What the session must know of what was sent. */
async function remember(
  tx: Tx,
  session: SessionRow,
  operation: Operation,
  result: Record<string, unknown>,
): Promise<void> {
  if (operation.kind === 'postActivity' && operation.link !== undefined)
    await settleActivity(tx, operation.id, withLink(operation));
  if (isBeside(operation)) return;
  if (operation.kind === 'pushBranch')
    await updateSession(tx, session.id, { headCommit: String(result.commit), branch: operation.branch });
  if (operation.kind === 'openPullRequest') {
    await updateSession(tx, session.id, { pullRequest: { number: Number(result.number), url: String(result.url) } });
    await followOpened(tx, session.id, Number(result.number));
  }
  // What we did ourselves, no delivery need tell.
  if (operation.kind === 'moveTicket' && !('skipped' in result)) await markOver(tx, [session.ticketId]);
  if (operation.kind === 'takeTicket' && 'skipped' in result) await markLost(tx, session.id);
  if (operation.kind === 'createTicket' && operation.relation === 'child' && !(await isFiling(tx, session.id)))
    await markDueNext(tx, session.id); // from now on it leads them
}

async function refuse(deps: PostDeps, effect: ClaimedEffect, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  const { key, sessionId, runId, ticket, tries } = effect;
  const fields = { session_id: sessionId, run_id: runId, ticket, effect: key, tries, err: error };
  // What waits with its account keeps its place, and no try is used up.
  if (error instanceof ClosedMeanwhile) return postponeEffect(deps.db, effect, 0, message, false);
  if (isClosed(error)) {
    if (effect.account !== null) await closeFor(deps, effect.account, error);
    return postponeEffect(deps.db, effect, effect.account === null ? (error.retryAfterMs ?? 0) : 0, message, false);
  }
  if (effect.tries < triesFor(effect.operation, error)) {
    const asked = error instanceof VendorError ? error.retryAfterMs : null;
    const waitMs = Math.max(asked ?? 0, Math.random() * Math.min(300_000, 500 * 2 ** effect.tries));
    deps.log.warn({ ...fields, wait_ms: Math.round(waitMs) }, 'an effect could not be sent; it will be tried again');
    await postponeEffect(deps.db, effect, waitMs, message);
    return;
  }
  deps.log.error(fields, 'an effect failed for good');
  await deps.db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, effect.sessionId);
    if (!session || !(await settleEffect(tx, effect, { state: 'failed', error: message }))) return;
    const failed = await failDependents(tx, effect.key);
    for (const { operation } of failed) if (operation.kind === 'postActivity') await dropActivity(tx, operation.id);
    const answers = failed.filter(({ operation }) => operation.kind === 'replyToRemark');
    await oweAnswers(tx, effect.sessionId, answers);
    await tellFailed(tx, session, effect, error);
  });
  deps.wake('post');
}

function triesFor(operation: Operation, error: unknown): number {
  // What failed for good is told on the ticket; words that cannot get there can be told nowhere, so they wait.
  const known = operation.kind === 'postActivity' ? Number.POSITIVE_INFINITY : maxTries.known;
  if (error instanceof VendorError) return error.retryable ? known : 0;
  if (isDatabaseUnavailable(error)) return known;
  if (error instanceof WorkspaceError && error.code === 'disk_full') return maxTries.known;
  return error instanceof WorkspaceError && error.code !== 'git_failed' ? 0 : maxTries.unknown;
}
