import type { Operation } from '../core/effect.ts';
import { cleanMarkdown } from '../core/outgoing-text.ts';
import type { MarkedRemark, ThreadAnswer } from '../core/review.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { openRemarks, reopenRemarks, settleRemarks } from '../store/remarks.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { findSession } from '../store/sessions.ts';
import type { Finished } from './finish.ts';
import type { RunDeps } from './run.ts';

/**
 * Each remark that the agent has heard gets its answer where it was made, with the commit that does it (`push`: the key of the
 * effect whose result names that; null: nothing was pushed). Call with the session's lock held.
 */
export async function answerRemarks(
  tx: Tx,
  { policy }: Pick<RunDeps, 'policy'>,
  run: ClaimedRun,
  { report }: Finished,
  push: string | null,
): Promise<void> {
  const answers = new Map((report.threads ?? []).map((answer) => [answer.thread, answer]));
  const open = Map.groupBy(await openRemarks(tx, run.sessionId), ({ code }) => code);
  const repository = (await findSession(tx, run.sessionId))?.repository;
  if (open.size === 0 || repository == null) return;
  const settled: string[] = [];
  for (const [code, remarks] of open) {
    const answer = answers.get(code);
    const last = remarks.at(-1);
    if (!answer || !last) continue;
    const key = `${run.sessionId}/run/${run.number}${threadKey}${code}`;
    const isDone = answer.done && push !== null;
    const operation: Operation = {
      ...{ kind: 'replyToRemark', id: deterministicId(key), repository, number: last.number },
      thread: last.remark.thread,
      body: writeReply(last, answer, isDone),
      ...(isDone && { commit: { from: push, field: 'commit' } }),
      resolve: answer.done && policy.reviews.resolve && last.remark.thread !== null,
    };
    await addEffects(tx, [{ sessionId: run.sessionId, runId: run.id, stepId: null, key, operation }]);
    settled.push(...remarks.map(({ remark }) => remark.key));
  }
  await settleRemarks(tx, run.sessionId, settled);
}

const threadKey = '/thread/';

/**
 * Answers that were not given, for they name a commit that could not be pushed: whoever publishes next gives them. Call with
 * the session's lock held.
 */
export async function oweAnswers(tx: Tx, sessionId: string, failed: readonly { key: string }[]): Promise<void> {
  const codes = failed.flatMap(({ key }) => key.split(threadKey).slice(1));
  await reopenRemarks(tx, sessionId, codes);
}

/** In a thread it stands below what it answers; elsewhere it says to what. */
function writeReply({ remark }: MarkedRemark, { reply, done }: ThreadAnswer, isDone: boolean): string {
  const [line = ''] = cleanMarkdown(remark.body, 300).split('\n');
  const quoted = remark.thread === null && line !== '' ? `> ${line}\n\n` : '';
  const words = cleanMarkdown(reply, 4_000) || (done ? 'Done.' : 'Not done.');
  return `${quoted}${words}${isDone ? '\n\nDone in {commit}.' : ''}`;
}
