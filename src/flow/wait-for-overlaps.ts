import { findOverlaps } from '../core/overlap.ts';
import { mustRate } from '../core/scope.ts';
import { tellOverlaps, writeWaitsFor } from '../core/scope-text.ts';
import { hintOf } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities } from '../store/activities.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { newestProposal } from '../store/proposals.ts';
import { begunAtOf, listLiveWork, standingRating } from '../store/ratings.ts';
import { holdRun } from '../store/runs.ts';
import { currentConversation, ticketIdOf } from '../store/sessions.ts';
import { hasSteps } from '../store/steps.ts';
import { listOverridden } from '../store/waits.ts';
import type { Beginning } from './before-work.ts';
import type { NotPrepared } from './prepare.ts';

/**
 * Who else is at work on the same files was looked at when the ticket was rated. Where work begins on that rating only now,
 * after waiting, a yes, or being given, it is looked at again. Of several that begin at once the first goes on, and the others
 * see that it is earlier: they say so, or wait for it.
 */
export async function waitForOverlaps(beginning: Beginning): Promise<NotPrepared | null> {
  const { deps, run, session } = beginning;
  const { db } = deps;
  if (session.repository === null) return null;
  const rating = await standingRating(db, session.id);
  if (!rating || mustRate(rating) || rating.followed === 'split' || (await hasSteps(db, run.id))) return null;
  const proposal = await newestProposal(db, session.id);
  if (proposal && proposal.state !== 'approved') return null; // nothing is changed before it is
  const [live, begunAt, overridden] = await Promise.all([
    listLiveWork(db, session.id, session.repository),
    begunAtOf(db, run.id),
    listOverridden(db, session.id),
  ]);
  const mine = { id: session.hint.id, files: rating.files, begunAt };
  const overlaps = findOverlaps(mine, live).filter(({ isEarlier }) => isEarlier);
  if (overlaps.length === 0) return null;
  const told = tellOverlaps(overlaps);
  const others = overlaps.map((each) => each.session);
  const awaited = others.filter((other) => !overridden.has(ticketIdOf(other)));
  // What it has changed already is there, whether it waits or not.
  if (deps.policy.overlap === 'tell' || awaited.length === 0 || rating.hasChanged || session.headCommit !== null) {
    await tell(beginning, others.map(({ id }) => id).toSorted(), told);
    beginning.note = told;
    return null;
  }
  const waits = awaited.map((ticket) => ({ ticket: hintOf(ticket), until: 'rests' as const }));
  const message = `${told}\n\n${writeWaitsFor(awaited)}`;
  const heard = (await unreadPrompts(db, session.id)).map(({ id }) => id);
  return { outcome: { stopReason: 'waiting', message, options: ['continue'], waits }, heard };
}

/** On the ticket, once of the same others. */
async function tell({ deps, run }: Beginning, others: string[], body: string): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    await holdRun(tx, run);
    const conversation = await currentConversation(tx, run.sessionId);
    const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
    await addActivities(tx, stage, `overlap/${deterministicId(...others)}`, [{ type: 'thought', body }]);
  });
  deps.wake('post');
}
