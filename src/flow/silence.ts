import { decide } from '../core/approval.ts';
import { writeSilence } from '../core/approval-text.ts';
import { attend, isEdited } from '../core/attention.ts';
import { addActivities } from '../store/activities.ts';
import { readAttention } from '../store/attention.ts';
import type { Database, Tx } from '../store/database.ts';
import { newestProposal, settleProposal, silentSessions, wordsSince } from '../store/proposals.ts';
import { currentConversation, lockSession } from '../store/sessions.ts';
import { type StartPolicy, startRun } from './start.ts';

export interface SilenceDeps {
  db: Database;
  policy: StartPolicy & { approval: { by: string[] } };
  /** The agent's name. */
  name: string;
  wake(drain: 'post' | 'run'): void;
}

const mostAtOnce = 200;

/**
 * Approves what nobody has said a word about for as long as it was said that silence would do. Any number of processes may
 * look: whoever locks the session first does it. The time is our database's; what was said at the tracker before it, and
 * comes late, takes the approval back (see `judgeProposal`).
 */
export async function heedSilence(deps: SilenceDeps): Promise<void> {
  let isBegun = false;
  const sessions = await silentSessions(deps.db, mostAtOnce);
  for (const sessionId of sessions)
    isBegun = (await deps.db.transaction().execute((tx) => approve(tx, deps, sessionId))) || isBegun;
  if (sessions.length > 0) deps.wake('post');
  if (isBegun) deps.wake('run');
}

/** Answers whether there is a run by it. */
async function approve(tx: Tx, { policy, name }: SilenceDeps, sessionId: string): Promise<boolean> {
  const session = await lockSession(tx, sessionId);
  const proposal = await newestProposal(tx, sessionId);
  if (session?.state !== 'awaitingInput' || proposal?.state !== 'open' || !proposal.isSilenceOver) return false;
  const decision = decide(proposal, await wordsSince(tx, proposal), { by: policy.approval.by, agent: name });
  if (decision.verdict !== 'approved' || decision.by !== null) return false;
  const attention = await readAttention(tx, sessionId);
  const todo = attend(attention.registers, attention.unread);
  if (attention.run || isEdited(attention.registers) || (todo !== 'nothing' && todo !== 'work')) return false;
  await settleProposal(tx, proposal, 'approved', null);
  const conversation = await currentConversation(tx, sessionId);
  const stage = { sessionId, runId: null, stepId: null, conversation };
  const body = writeSilence(proposal, proposal.silenceMinutes ?? 0);
  await addActivities(tx, stage, `proposal/${proposal.id}/${proposal.number}/silence`, [{ type: 'thought', body }]);
  return startRun(tx, policy, session, attention, conversation);
}
