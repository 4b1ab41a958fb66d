import { inEscalation } from '../core/escalation.ts';
import type { Outcome } from '../core/outcome.ts';
import { describeStep } from '../core/step-words.ts';
import { type Losses, noteLostWorker } from '../store/lost-workers.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { latestSnapshot } from '../store/snapshots.ts';
import type { RunDeps } from './run.ts';

/**
 * Take-overs without progress at the same step, after which a run is given up. Waiting for a model ends no worker, and where
 * workers without this run fall as well its step need not be the cause: then more are granted.
 */
const most = { suspected: 3, doubted: 12 };

/** Notes that the run was taken from a worker that fell. Answers how the run ends when its own step seems to end them. */
export async function judgeLosses(deps: Pick<RunDeps, 'db' | 'hasFallen'>, run: ClaimedRun): Promise<Outcome | null> {
  if (run.takenFrom === null || !deps.hasFallen(run.takenFrom)) return null;
  const losses = await noteLostWorker(deps.db, run);
  if (losses.count < (losses.othersFell || losses.step?.kind === 'model' ? most.doubted : most.suspected)) return null;
  return tell(losses, (await latestSnapshot(deps.db, run.sessionId)) && run.ticket);
}

/** `ticket`: of one that has unfinished work. Looking at that may be what ends workers, so nobody does. */
function tell({ count, step }: Losses, ticket: string | null): Outcome {
  return inEscalation('failed', {
    blocks:
      `Given up: ${count} workers ended, one after the other, while this was ${describeStep(step)}, with nothing completed in between. ` +
      'Most likely that is what ends them, for example by taking all memory of their machine; its log says more. ' +
      'What was completed before is kept.',
    snapshot: ticket === null ? null : { ticket, because: 'it may be what ends workers' },
    options: ['Mend that, and say "continue".', 'Say here what to do instead, then "continue".'],
  });
}
