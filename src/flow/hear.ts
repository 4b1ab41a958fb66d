import type { Heard } from '../agents/agent.ts';
import { isObeyed } from '../core/prompt.ts';
import type { Database } from '../store/database.ts';
import { unreadPrompts } from '../store/prompts.ts';
import type { ClaimedRun } from '../store/runs.ts';
import type { Approval } from './approval.ts';
import { noteTwoAnswers } from './two-answers.ts';

/**
 * What a run hears before each of its turns: what people said since, and what the service has to tell the agent of it.
 * All of it is read from the store each time, so that it comes to the same after a crash.
 */
export async function hear(db: Database, run: ClaimedRun, approval: Approval): Promise<Heard> {
  const prompts = await unreadPrompts(db, run.sessionId);
  const orders = prompts.filter(isObeyed);
  const { notes, outcome } = await approval.look(orders.length > 0);
  if (outcome) return { prompts, notes, outcome };
  return { prompts, notes: [...notes, ...(await noteTwoAnswers(db, run, orders))] };
}
