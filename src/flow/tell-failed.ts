import type { Operation } from '../core/effect.ts';
import { isBeside, isOnRequest, withLink } from '../core/effect.ts';
import { inEscalation } from '../core/escalation.ts';
import { VendorError } from '../core/vendor-error.ts';
import { addActivities, settleActivity } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import type { ClaimedEffect } from '../store/effects.ts';
import { currentConversation, moveSession, type SessionRow, updateSession } from '../store/sessions.ts';

/** What it means for a session that an effect of it failed for good. Call with the session's lock held. */
export async function tellFailed(tx: Tx, session: SessionRow, effect: ClaimedEffect, error: unknown): Promise<void> {
  const { operation } = effect;
  if (operation.kind === 'postActivity') return tellRefused(tx, session, { ...effect, operation }, error);
  if (operation.kind === 'updatePlan') return; // the next one may be taken
  if (operation.kind === 'leaveConversation') return; // people talk elsewhere
  if (courtesies.includes(operation.kind)) return;
  const conversation = await currentConversation(tx, session.id);
  const stage = { sessionId: session.id, runId: null, stepId: null, conversation };
  // What keeps one file of a run from the ticket mostly keeps all: told once.
  const key = operation.kind === 'attachFile' ? effect.key.replace(/\/\d+$/, '') : effect.key;
  const cause = effect.redrives > 0 ? `failed/${key}/${effect.redrives}` : `failed/${key}`;
  const message = error instanceof Error ? error.message : String(error);
  const { message: body } = inEscalation('failed', {
    asked: isBeside(operation) ? '' : session.hint.title,
    blocks: `I could not finish this: ${describe(operation)} failed for good. ${message}`,
    options: [remedy(session, operation, error)],
  });
  // What is beside the session's own work does not make it an error.
  if (isBeside(operation)) return addActivities(tx, stage, cause, [{ type: 'response', body }]);
  await addActivities(tx, stage, cause, [{ type: 'error', body }]);
  // What was never pushed holds no name: the next try may choose another.
  if (operation.kind === 'pushBranch' && session.headCommit === null)
    await updateSession(tx, session.id, { branch: null });
  if (session.state === 'complete') await moveSession(tx, session, 'error');
}

/**
 * Words that a tracker refuses: the log and `shipmate sessions` have them. Where people wait for them they are told so, once:
 * what is refused of that, too, is told nowhere.
 */
async function tellRefused(
  tx: Tx,
  session: SessionRow,
  { key, operation }: { key: string; operation: Operation & { kind: 'postActivity' } },
  error: unknown,
): Promise<void> {
  await settleActivity(tx, operation.id, withLink(operation));
  const { type } = operation.activity;
  const isGone = error instanceof VendorError && error.code === 'not_found';
  if (isGone || type === 'thought' || type === 'action' || key.startsWith(`${session.id}/failed/`)) return;
  const why = error instanceof Error ? error.message : String(error);
  const body =
    `What I have to say here was refused: ${why} ` +
    `\`shipmate sessions show ${session.hint.identifier}\` has it in full.`;
  const stage = {
    sessionId: session.id,
    runId: null,
    stepId: null,
    conversation: await currentConversation(tx, session.id),
  };
  await addActivities(tx, stage, `failed/${key}`, [{ type, body }]);
}

function remedy({ hint, headCommit }: SessionRow, operation: Operation, error: unknown): string {
  if (operation.kind === 'pushBranch' && operation.for === 'snapshot')
    return `The work so far is kept; \`shipmate pull ${hint.identifier}\` brings it to you.`;
  if (isOnRequest(operation)) return 'My work is not touched by it. Say "continue" when that is mended.';
  if (operation.kind === 'pushRevert' || (operation.kind === 'openPullRequest' && operation.head.endsWith('-revert')))
    return 'Revert it by hand, or tell me what to mend.';
  if (operation.kind === 'pushEvidence' || operation.kind === 'attachFile')
    return (
      `My work does not depend on it. \`shipmate sessions evidence ${hint.identifier} --to DIR\` writes the screenshots into a directory; ` +
      `once this is mended, \`shipmate sessions redrive ${hint.identifier}\` sends them again.`
    );
  if (isBeside(operation))
    return 'Nothing of this ticket depends on it. Add the rule to AGENTS.md by hand, if you want it.';
  if (operation.kind === 'createTicket')
    return 'Say "continue" when that is mended: I file it then, with those that need it.';
  const isTaken = operation.kind === 'pushBranch' && error instanceof VendorError && error.code === 'conflict';
  if (isTaken && headCommit !== null)
    return (
      'My work is kept. Say "continue": I look at what became of the branch and its pull request, and go on from there. ' +
      `\`shipmate pull ${hint.identifier}\` brings my work into your clone.`
    );
  return isTaken
    ? `Rename or delete the branch ${operation.branch}, then say "continue".`
    : 'Say "continue" when that is mended.';
}

/** Nobody waits for it. */
export const courtesies: readonly Operation['kind'][] = ['acknowledgeRemark', 'showStatus'];

/** In words, for the ticket. */
export function describe(operation: Operation): string {
  switch (operation.kind) {
    case 'pushBranch':
      return `pushing ${operation.branch} to ${operation.repository}`;
    case 'openPullRequest':
      return `opening the pull request from ${operation.head} in ${operation.repository}`;
    case 'pushFile':
      return `pushing a change of ${operation.path} as ${operation.branch} to ${operation.repository}`;
    case 'pushEvidence':
      return `pushing screenshots as ${operation.branch} to ${operation.repository}`;
    case 'attachFile':
      return `attaching ${operation.name} to the ticket`;
    case 'pushRevert':
      return `pushing a revert as ${operation.branch} to ${operation.repository}`;
    case 'moveTicket':
      return `moving the ticket to "${operation.to}"`;
    case 'attachPullRequest':
      return 'attaching the pull request to the ticket';
    case 'linkSession':
      return 'linking the page of the session';
    case 'updatePlan':
      return 'showing the plan';
    case 'postActivity':
      return 'showing an activity';
    case 'leaveConversation':
      return 'saying where people talk with me now';
    case 'createTicket':
      return `filing the ticket "${operation.draft.title}"`;
    case 'takeTicket':
      return 'taking the ticket';
    case 'releaseTicket':
      return 'giving the ticket back';
    case 'replyToRemark':
      return `answering on pull request #${operation.number} of ${operation.repository}`;
    case 'acknowledgeRemark':
    case 'showStatus':
      return `showing on pull request #${operation.number} of ${operation.repository} how things stand`;
    case 'deleteBranch':
      return `deleting ${operation.branch} in ${operation.repository}`;
    default: {
      const never: never = operation;
      return String(never);
    }
  }
}
