import type { Activity } from '../core/activity.ts';
import { codeOf } from '../core/proposal.ts';
import { writeReminder, writeUnanswered } from '../core/question-text.ts';
import { addActivities, readPlan, type Stage } from '../store/activities.ts';
import type { Database, Tx } from '../store/database.ts';
import { markReminded, type OpenQuestion, questionsOpenFor, readQuestion } from '../store/questions.ts';
import { currentConversation, lockSession, moveSession, type SessionRow } from '../store/sessions.ts';
import { sayClosing, settlePlan } from './closing.ts';

export interface QuestionDeps {
  db: Database;
  policy: { questions: { remindHours: number | null; closeDays: number | null } };
  wake(drain: 'post'): void;
}

const mostAtOnce = 100;
const hour = 3600;

type Say = (tx: Tx, session: SessionRow, question: OpenQuestion, seconds: number) => Promise<void>;

/**
 * Repeats questions that nobody has answered, once, and closes the sessions of those that stay unanswered. Any number of
 * processes may look: whoever locks the session first says it, by the database's clock.
 */
export async function heedQuestions({ db, policy, wake }: QuestionDeps): Promise<void> {
  const { remindHours, closeDays } = policy.questions;
  let told = 0;
  const each = async (seconds: number, unreminded: boolean, say: Say) => {
    const age = { seconds, unreminded };
    for (const sessionId of await questionsOpenFor(db, { ...age, limit: mostAtOnce }))
      await db.transaction().execute(async (tx) => {
        const session = await lockSession(tx, sessionId);
        const question = session && (await readQuestion(tx, sessionId, age));
        if (!session || !question) return;
        await say(tx, session, question, seconds);
        told++;
      });
  };
  // What is closed now is not reminded of first.
  if (closeDays !== null) await each(closeDays * 24 * hour, false, close);
  if (remindHours !== null) await each(remindHours * hour, true, remind);
  if (told > 0) wake('post');
}

async function remind(tx: Tx, session: SessionRow, { askedAt, outcome }: OpenQuestion): Promise<void> {
  await markReminded(tx, session.id);
  const options = outcome.proposal ? ['Approve', 'Reject'] : outcome.options;
  const activity: Activity = {
    type: 'elicitation',
    body: writeReminder(outcome, codeIn(outcome)),
    ...(options && options.length > 0 ? { options } : {}),
  };
  await addActivities(tx, await stageOf(tx, session), `reminded/${askedAt}`, [activity]);
}

async function close(tx: Tx, session: SessionRow, { askedAt, outcome }: OpenQuestion, seconds: number): Promise<void> {
  const stage = await stageOf(tx, session);
  const key = `unanswered/${askedAt}`;
  await moveSession(tx, session, 'stopped');
  await settlePlan(tx, key, stage, 'pending');
  const days = Math.round((seconds / hour / 24) * 10) / 10;
  const asked = { outcome, code: codeIn(outcome), askedAt, days };
  const body = writeUnanswered(asked, session.hint, await readPlan(tx, session.id));
  await sayClosing(tx, stage, key, { type: 'response', body });
}

function codeIn({ proposal }: OpenQuestion['outcome']): string | null {
  return proposal ? codeOf(proposal) : null;
}

async function stageOf(tx: Tx, session: SessionRow): Promise<Stage> {
  return { sessionId: session.id, runId: null, stepId: null, conversation: await currentConversation(tx, session.id) };
}
