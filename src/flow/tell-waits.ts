import type { Activity } from '../core/activity.ts';
import { describeStep } from '../core/step-words.ts';
import { addActivities } from '../store/activities.ts';
import type { Database } from '../store/database.ts';
import { notePlace, untoldPlaces } from '../store/queue-places.ts';
import { type QuietRun, quietRuns } from '../store/quiet-runs.ts';
import { currentConversation } from '../store/sessions.ts';

interface Deps {
  db: Database;
  wake(drain: 'post'): void;
}

/** Runs that a free worker takes at once are not told of. */
const waitedSeconds = 4;
const againSeconds = 30;
/** A tracker takes so many comments at a time, and no more. */
const mostAtOnce = 50;
/** Trackers count a session as lost after 30 minutes; we promise 25, and look each minute. */
const quietMinutes = 23;

/** Tells tickets whose run waits for a worker their place in the queue. Any number of processes may do so. */
export async function tellPlaces(deps: Deps): Promise<void> {
  const { db } = deps;
  const untold = await untoldPlaces(db, { waitedSeconds, againSeconds, limit: mostAtOnce });
  for (const run of untold) {
    const conversation = await currentConversation(db, run.sessionId);
    await db.transaction().execute(async (tx) => {
      const at = await notePlace(tx, run, againSeconds);
      if (at === null) return;
      const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
      const body = `Waiting for a free worker: ${ordinal(run.place)} in the queue.`;
      await addActivities(tx, stage, `${run.number}/queue/${at}`, [{ type: 'thought', body, ephemeral: true }]);
    });
  }
  if (untold.length > 0) deps.wake('post');
}

/**
 * Tells tickets that have seen nothing for long that they are not forgotten. The last activity is in the key: of many
 * processes that notice, one writes.
 */
export async function tellQuiet(deps: Deps): Promise<void> {
  const { db } = deps;
  const quiet = await quietRuns(db, quietMinutes, 500);
  for (const run of quiet) {
    const conversation = await currentConversation(db, run.sessionId);
    const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
    const activity: Activity = { type: 'thought', body: describeQuiet(run), ephemeral: true };
    await db.transaction().execute((tx) => addActivities(tx, stage, `${run.number}/quiet/${run.lastSeq}`, [activity]));
  }
  if (quiet.length > 0) deps.wake('post');
}

function describeQuiet({ isHeld, isBegun, minutes, step, turns }: QuietRun): string {
  const since = `for ${minutes} minutes`;
  if (!isBegun) return `Still waiting for a free worker ${since}.`;
  if (!isHeld)
    return `Still waiting ${since}: a service that this needs is away, or no worker is free; it is tried again.`;
  const turn = turns === 0 ? '' : `, turn ${turns}`;
  return `Still working: ${describeStep(step)} ${since}${turn}.`;
}

function ordinal(place: number): string {
  const last = place % 100;
  const ending = last > 10 && last < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th');
  return `${place}${ending}`;
}
