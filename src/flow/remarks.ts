import { attend } from '../core/attention.ts';
import type { Operation } from '../core/effect.ts';
import type { PullRequest } from '../core/pull-request.ts';
import type { Remark } from '../core/request-progress.ts';
import { isBare, isHeard, isPlainYes, isStop, writeApproved, writeReviews, writeTakingUp } from '../core/review.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import { readAttention } from '../store/attention.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { addNews } from '../store/prompts.ts';
import { takeBackStop } from '../store/queued-runs.ts';
import { answeredThreads, keepRemarks, markRemarks, unknownRemarks } from '../store/remarks.ts';
import { currentConversation, type SessionRow, tellSession } from '../store/sessions.ts';
import type { Look, RequestDeps } from './follow-requests.ts';
import { type Due, rest } from './sort.ts';
import { startRun } from './start.ts';
import { noWords } from './take-in-words.ts';

/**
 * What people said on a pull request since, as one batch: it becomes words to the agent, and each of them shows that it was
 * read. Answers whether there was something to take up. Call with the session's lock held.
 */
export async function takeInRemarks(
  deps: RequestDeps,
  tx: Tx,
  session: SessionRow,
  { repository, progress }: Pick<Look, 'repository' | 'progress'>,
  due: Due,
): Promise<boolean> {
  const { request, remarks } = progress;
  const answered = await answeredThreads(tx, session.id);
  const fresh = await unknownRemarks(
    tx,
    session.id,
    // Of one that is over people talk among themselves, unless they call the agent.
    remarks
      .filter(({ mentions }) => request.state === 'open' || mentions)
      .filter((remark) => isHeard(remark, answered) || isPlainYes(remark)),
  );
  if (fresh.length === 0) return false;
  const conversation = await currentConversation(tx, session.id);
  const stage: Stage = { sessionId: session.id, runId: null, stepId: null, conversation };
  due.add('post');

  const marked = await markRemarks(tx, session.id, fresh);
  const approvals = marked.filter(({ remark }) => isPlainYes(remark));
  await keepRemarks(tx, session.id, request.number, approvals, null);
  for (const { remark } of approvals)
    await addActivities(tx, stage, `approved/${remark.key}`, [
      { type: 'thought', body: writeApproved(request, remark) },
    ]);
  const wanted = marked.filter(({ remark }) => !isPlainYes(remark));
  if (wanted.length === 0) return false;
  const stops = wanted.filter(({ remark }) => isStop(remark, deps.name));
  await keepRemarks(tx, session.id, request.number, stops, null);
  const heard = wanted.filter((each) => !stops.includes(each));
  for (const { key, author, body } of writeReviews(request, heard)) {
    const theirs = heard.filter(({ remark }) => remark.author.id === author.id);
    await addNews(tx, session.id, { key, author, body, conversationId: conversation?.id ?? null });
    await keepRemarks(
      tx,
      session.id,
      request.number,
      theirs.filter(({ remark }) => !isBare(remark)),
      key,
    );
    await keepRemarks(
      tx,
      session.id,
      request.number,
      theirs.filter(({ remark }) => isBare(remark)),
      null,
    );
  }
  for (const each of wanted) {
    const { remark } = each;
    await tellSession(tx, session.hint, { at: remark.at, spoke: stops.includes(each) ? 'stop' : 'word' });
    await acknowledge(tx, session.id, repository.name, request, remark);
  }

  const attention = await readAttention(tx, session.id);
  const body = writeTakingUp(request, heard);
  const first = heard[0]?.remark.key;
  const todo = attend(attention.registers, attention.unread);
  if (todo === 'stopped' || todo === 'taken' || todo === 'closed') {
    const words = { ...noWords, isNew: heard.length > 0, wanted: heard.length > 0 };
    await rest(tx, session, todo, attention, words, due);
  }
  if (todo !== 'work' || heard.length === 0) return true;
  if (attention.run) {
    if (attention.run.stopRequested && !attention.run.isHeld) await takeBackStop(tx, attention.run.id);
    await addActivities(tx, stage, `review/${first}`, [{ type: 'thought', body }]);
  } else if (await startRun(tx, deps.policy, session, attention, conversation, { why: body })) due.add('run');
  return true;
}

async function acknowledge(
  tx: Tx,
  sessionId: string,
  repository: string,
  request: PullRequest,
  remark: Remark,
): Promise<void> {
  const key = `${sessionId}/remark/${remark.key}/read`;
  const operation: Operation = {
    ...{ kind: 'acknowledgeRemark', id: deterministicId(key), repository, number: request.number },
    remark: remark.key,
  };
  await addEffects(tx, [{ sessionId, runId: null, stepId: null, key, operation }]);
}
