import type { Activity } from '../core/activity.ts';
import { type Approvers, type Decision, decide, readWord } from '../core/approval.ts';
import {
  noteApproved,
  noteBeyond,
  notePlanWanted,
  noteRevise,
  proposalOptions,
  refuseCall,
  writeBeyond,
  writeDiffering,
  writeRefusal,
  writeRejected,
  writeTakenBack,
  writeUnheard,
  writeWaits,
} from '../core/approval-text.ts';
import type { ApprovalMarks } from '../core/marking.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Decision as Permission } from '../core/policy.ts';
import type { Proposal, ProposalState } from '../core/proposal.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import type { Database, Tx } from '../store/database.ts';
import { mendedPlan, newestProposal, type ProposalRow, settleProposal, wordsSince } from '../store/proposals.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation, lockSession } from '../store/sessions.ts';

export interface ApprovalPolicy extends ApprovalMarks {
  /** Names or ids of who may approve; empty: everyone whose words are followed. */
  by: string[];
  /** Minutes without a word that count as a yes. */
  silenceMinutes: number | null;
}

/** Where the session's newest proposal stands, by all that was said. */
export interface Standing {
  proposal: ProposalRow;
  state: ProposalState;
  decision: Decision;
  /** Ids of the words that it was decided by. */
  words: string[];
}

/**
 * Decides on the session's newest proposal by what was said since, keeps what came of it, and tells people whose word does
 * not hold why. Saying it again changes nothing. null: nothing was proposed, or it is done, and no word is about it any more.
 * Call with the session's lock held.
 */
export async function judgeProposal(tx: Tx, sessionId: string, approvers: Approvers): Promise<Standing | null> {
  const proposal = await newestProposal(tx, sessionId);
  if (!proposal || proposal.isCarriedOut) return null;
  const wasSilent = proposal.state === 'approved' && proposal.decidedBy === null;
  const words = await wordsSince(tx, proposal);
  const decision = decide({ ...proposal, silentAt: wasSilent ? proposal.silentAt : null }, words, approvers);
  const state = stateAfter(decision, proposal, wasSilent);
  if (state !== proposal.state) await settleProposal(tx, proposal, state, decision.by);
  const said = tellings(decision, proposal, approvers);
  if (wasSilent && state !== 'approved' && state !== 'rejected')
    said.push({ key: 'taken-back', body: writeTakenBack(proposal, decision.verdict === 'revise') });
  if (said.length > 0) {
    const conversation = await currentConversation(tx, sessionId);
    const stage: Stage = { sessionId, runId: null, stepId: null, conversation };
    for (const { key, body } of said) {
      const activity: Activity = { type: 'thought', body };
      await addActivities(tx, stage, `proposal/${proposal.id}/${proposal.number}/${key}`, [activity]);
    }
  }
  // What has just been decided is as yet untold.
  const isUntold = state !== proposal.state ? state !== 'open' : proposal.isUntold;
  const settled = {
    ...proposal,
    state,
    isUntold,
    decidedBy: state === proposal.state ? proposal.decidedBy : decision.by,
  };
  return { proposal: settled, state, decision, words: words.filter(({ isStop }) => !isStop).map(({ id }) => id) };
}

function stateAfter(
  { verdict, isAfterNo }: Decision,
  { state }: ProposalRow,
  wasSilent: boolean,
): 'open' | 'approved' | 'rejected' {
  if (verdict === 'approved' || verdict === 'rejected') return verdict;
  if (state === 'approved' && wasSilent) return 'open';
  if (state === 'approved' && isAfterNo) return 'rejected'; // as if somebody had looked right after the no
  return state === 'rejected' || state === 'approved' ? state : 'open';
}

/** What is said to those who decided; what nobody goes on from is said by the end of the run instead. */
function tellings(decision: Decision, proposal: ProposalRow, approvers: Approvers): { key: string; body: string }[] {
  const { verdict, refused, differ } = decision;
  const told: { key: string; body: string }[] = [];
  if (differ) {
    const key = `differ/${differ.map(({ id }) => id).join('/')}`;
    told.push({ key, body: writeDiffering(differ, verdict === 'approved') });
  }
  if (verdict === 'revise' && decision.by) told.push({ key: 'unheard', body: writeUnheard(proposal, decision.by) });
  for (const word of decision.beyond ?? [])
    told.push({ key: `beyond/${word.id}`, body: writeBeyond(word, proposal, decision.by, approvers) });
  if (verdict !== 'nothing')
    for (const refusal of refused.filter(({ word }) => word.isNew))
      told.push({ key: `refused/${refusal.word.id}`, body: writeRefusal(refusal, proposal, approvers, false) });
  return told;
}

/** How a run ends that may not go on: people have said no, or nothing that decides. null: it may. */
function endingOf({ proposal, decision }: Standing, approvers: Approvers): Outcome | null {
  const { verdict, by, refused } = decision;
  if (verdict === 'rejected') return { stopReason: 'stopped', message: writeRejected(proposal, by), rejected: true };
  if (verdict !== 'nothing' || proposal.state === 'approved') return null;
  const answers = refused.filter(({ word }) => word.isNew).map((each) => writeRefusal(each, proposal, approvers, true));
  const message = [...answers, writeWaits(proposal, approvers)].join('\n\n');
  return { stopReason: 'needsInput', message, options: proposalOptions };
}

/** How the run ends where people say no, with all that has been said by now; null: they do not. */
export async function rejectionOf(tx: Tx, sessionId: string, approvers: Approvers): Promise<Outcome | null> {
  const standing = await judgeProposal(tx, sessionId, approvers);
  return standing?.decision.verdict === 'rejected' ? endingOf(standing, approvers) : null;
}

/** Whether a word is a no to what the session proposed, and holds. */
export async function saysNo(tx: Tx, sessionId: string, body: string, approvers: Approvers): Promise<boolean> {
  return readWord(body, approvers.agent).says === 'reject' && (await rejectionOf(tx, sessionId, approvers)) !== null;
}

/** What needs an approval where something was proposed: it changes the files, or hands them in. */
const guarded = ['edit', 'write', 'finish'];

/** The service's part of what was approved, if it has one: how the run ends by it. null: the agent carries it out. */
export type CarryOut = (tx: Tx, proposal: ProposalRow) => Promise<Outcome | null>;

/**
 * The same as `judgeProposal`, in a transaction of its own; and what was approved is begun, unless the run was told to stop.
 * Throws `RunLost`.
 */
export async function judgeNow(
  db: Database,
  run: ClaimedRun,
  approvers: Approvers,
  carryOut: CarryOut,
): Promise<(Standing & { ending: Outcome | null }) | null> {
  const { sessionId } = run;
  // Most sessions propose nothing, and take no lock for it.
  const newest = await newestProposal(db, sessionId);
  if (!newest || newest.isCarriedOut) return null;
  return db.transaction().execute(async (tx) => {
    await lockSession(tx, sessionId);
    const { stopRequested } = await holdRun(tx, run);
    const standing = await judgeProposal(tx, sessionId, approvers);
    if (!standing) return null;
    const { state, proposal } = standing;
    const begun = state === 'approved' && !stopRequested ? await carryOut(tx, proposal) : null;
    const ending = begun ? { ...begun, carriesOut: proposal.id } : endingOf(standing, approvers);
    return { ...standing, ending };
  });
}

/** What is wanted of a run, by the ticket as it is known now and by what was done for it. */
export interface Wanted {
  /** Whether people want to approve a plan for it. */
  plan(): Promise<boolean>;
  /** Whether anything was changed for what is wanted now: then no plan is asked for any more. */
  hasBegun(): boolean;
}

/** The approval that a run works under. */
export interface Approval {
  /** Looks at what was said: notes for the model, and how the run ends by it. `isSpokenTo`: there are words that it will read. */
  look(isSpokenTo: boolean): Promise<{ notes: string[]; outcome?: Outcome }>;
  /** null where it has nothing against the call. `changes`: of a tool that is not ours. */
  permit(call: { name: string; input: unknown; changes?: boolean }): Permission | null;
  /** Why nothing may be changed: what was proposed is not approved (`proposed`), or nothing is (`wanted`). null: it may. */
  missing(): 'proposed' | 'wanted' | null;
  /** What people have approved and is not carried out yet, or is only mended; null: nothing. */
  approved(): Proposal | null;
}

/** Reads where the approval stands before anything else is done with it. */
export async function openApproval(
  db: Database,
  run: ClaimedRun,
  approvers: Approvers,
  carryOut: CarryOut,
  wanted: Wanted,
): Promise<Approval> {
  let standing = await judgeNow(db, run, approvers, carryOut);
  let isPlanWanted = await wanted.plan();
  // A yes is spent, but what checks find in what was done by it is part of it.
  let mended = standing ? null : await mendedPlan(db, run);
  const missing = () => {
    if (standing) return standing.state === 'approved' ? null : 'proposed';
    return isPlanWanted && !mended && !wanted.hasBegun() ? 'wanted' : null;
  };
  return {
    missing,
    approved: () => (standing?.state === 'approved' ? standing.proposal.content : mended),
    async look(isSpokenTo) {
      standing = await judgeNow(db, run, approvers, carryOut);
      isPlanWanted = await wanted.plan();
      if (mended) mended = standing ? null : await mendedPlan(db, run);
      if (!standing) return { notes: isSpokenTo && missing() === 'wanted' ? [notePlanWanted] : [] };
      const { proposal, decision, state, ending } = standing;
      // A run that is at work goes on where nothing was decided.
      if (ending && decision.verdict !== 'nothing') return { notes: [], outcome: ending };
      if (state === 'approved') {
        const isBeyond = decision.beyond?.some(({ isRead }) => !isRead) ?? false;
        const told = proposal.isUntold ? [noteApproved(proposal, proposal.decidedBy)] : [];
        return { notes: isBeyond ? [...told, noteBeyond(proposal)] : told };
      }
      return { notes: isSpokenTo ? [noteRevise(proposal)] : [] };
    },
    permit({ name, input, changes = guarded.includes(name) }) {
      const why = changes ? missing() : null;
      // Who only answers a question needs no plan for it.
      if (why === null || (why === 'wanted' && name === 'finish' && isAnswer(input))) return null;
      return { allow: false, reason: refuseCall(name, standing?.proposal ?? null) };
    },
  };
}

/** `finish` lets an answer pass only where no file was changed. */
function isAnswer(input: unknown): boolean {
  return typeof (input as { answer?: unknown } | null)?.answer === 'string';
}
