import { findTwoAnswers } from '../core/approval.ts';
import { noteTwoAnswersOf, writeTwoAnswers } from '../core/approval-text.ts';
import type { Prompt } from '../core/prompt.ts';
import { addActivities } from '../store/activities.ts';
import type { Database } from '../store/database.ts';
import { answersHeard } from '../store/questions.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { currentConversation } from '../store/sessions.ts';

/**
 * Two people who answered the question that this run goes on from differently within a second: the model is told when it
 * reads the second of them, and so is the ticket. Answers notes for the model.
 */
export async function noteTwoAnswers(db: Database, run: ClaimedRun, unread: Prompt[]): Promise<string[]> {
  if (unread.length === 0 || run.number === 1) return [];
  const pair = findTwoAnswers(await answersHeard(db, run));
  if (!pair?.some(({ id }) => unread.some((prompt) => prompt.id === id))) return [];
  const conversation = await currentConversation(db, run.sessionId);
  const stage = { sessionId: run.sessionId, runId: null, stepId: null, conversation };
  const key = `answers/${pair.map(({ id }) => id).join('/')}`;
  await db
    .transaction()
    .execute((tx) => addActivities(tx, stage, key, [{ type: 'thought', body: writeTwoAnswers(pair) }]));
  return [noteTwoAnswersOf(pair)];
}
