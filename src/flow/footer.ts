import { addUsed, describeUsed, nothingUsed } from '../core/budget.ts';
import { describeActual } from '../core/estimate.ts';
import { readPlan } from '../store/activities.ts';
import type { Database, Tx } from '../store/database.ts';
import { latestRating, spentOn } from '../store/ratings.ts';
import { givenSince } from '../store/sessions.ts';
import { latestSnapshot } from '../store/snapshots.ts';
import { usedByRuns } from '../store/usage.ts';

/** What a session has cost so far, in one line for people: closing activities end with it. Empty when nothing was used. */
export async function writeFooter(tx: Tx, sessionId: string): Promise<string> {
  const runs = await usedByRuns(tx, sessionId);
  const all = runs.reduce((sum, { used }) => addUsed(sum, used), nothingUsed);
  if (all.turns === 0) return '';
  const last = runs.at(-1)?.used ?? nothingUsed;
  const before = all.turns > last.turns && last.turns > 0 ? `; this run: ${describeUsed(last)}` : '';
  return `*Cost so far: ${describeUsed(all)}${before}.*`;
}

/** What a rated session took beside what was expected, in one line. Empty where it was not rated. */
export async function writeActual(tx: Tx, sessionId: string): Promise<string> {
  const rating = await latestRating(tx, sessionId);
  return rating ? describeActual(rating.estimate, await spentOn(tx, sessionId)) : '';
}

/** The same for whoever looks while it works; undefined when nothing was used. */
export async function writeSpent(db: Database, sessionId: string): Promise<string | undefined> {
  const all = (await usedByRuns(db, sessionId)).reduce((sum, { used }) => addUsed(sum, used), nothingUsed);
  return all.turns === 0 ? undefined : describeUsed(all);
}

/** How long it took from being given to now, in one line. */
export async function writeTook(tx: Tx, sessionId: string): Promise<string> {
  const given = await givenSince(tx, sessionId);
  return given === null ? '' : `It took ${describeSpan(Date.now() - given.getTime())} from the ticket to the merge.`;
}

function describeSpan(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** What there is to go on from, where a run was cut short. */
export async function writeStanding(db: Database, sessionId: string): Promise<string> {
  const plan = (await readPlan(db, sessionId)).filter(({ status }) => status !== 'canceled');
  const done = plan.filter(({ status }) => status === 'completed').length;
  const kept = (await latestSnapshot(db, sessionId)) !== null;
  const work = kept ? 'The work so far is kept; the next run goes on from it.' : 'No file was changed yet.';
  return `Where things stand: ${plan.length > 0 ? `${done} of ${plan.length} steps of the plan are done. ` : ''}${work}`;
}
