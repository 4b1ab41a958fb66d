import { estimate } from '../core/estimate.ts';
import type { Outcome } from '../core/outcome.ts';
import { cleanLine } from '../core/outside-text.ts';
import { findOverlaps, type Overlap } from '../core/overlap.ts';
import type { Plan } from '../core/plan.ts';
import { writeRequest } from '../core/prompt-text.ts';
import { isPlanOf } from '../core/proposal.ts';
import {
  type Followed,
  followRating,
  hasAsked,
  hasBegun,
  lastRated,
  mustRate,
  type Rating,
  type ScopePolicy,
  wantsApproval,
} from '../core/scope.ts';
import {
  type Findings,
  introduceProposal,
  introduceSplit,
  tellOverlaps,
  writeMissing,
  writeRating,
  writeWaiting,
} from '../core/scope-text.ts';
import { judgeRating } from '../core/standing-orders.ts';
import type { Journal, StepRecord } from '../core/step.ts';
import { hintOf, type TicketHint } from '../core/ticket.ts';
import { missingParts, type TicketFacts } from '../core/ticket-facts.ts';
import { kindsOf } from '../core/ticket-kinds.ts';
import { refuseWork, returnWork, tellTier } from '../core/tier-text.ts';
import { decideTier } from '../core/tiers.ts';
import type { ToolResult, ToolRunContext } from '../core/tool.ts';
import { hasUnpublishedFiles } from '../store/handovers.ts';
import { demandOn } from '../store/order-picks.ts';
import { begunAtOf, listLiveWork, listSamples } from '../store/ratings.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { ticketIdOf } from '../store/sessions.ts';
import { listOverridden } from '../store/waits.ts';
import type { Approval } from './approval.ts';
import { newestReading } from './edits.ts';
import type { Prepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/** What ratings lead to here. `overlap`: what is done about a session that is at work on the same files. */
export interface RatingPolicy {
  scope: ScopePolicy;
  overlap: 'tell' | 'wait';
  approval: { plan: 'always' | 'never' };
}

interface ScopeOptions {
  deps: Pick<RunDeps, 'db' | 'policy' | 'fields'>;
  run: ClaimedRun;
  journal: Journal;
  prepared: Prepared;
  approval: Pick<Approval, 'missing' | 'approved'>;
}

/**
 * The `scope` tool: what the model thinks of its ticket becomes a rating, with an estimate from what similar tickets took
 * and with the sessions that are at work on the same files; and by the policy it goes on, or the run ends with a question.
 * All that it leaves commits with its step, so it is rated once, however often the worker is killed.
 */
export function createScope({ deps, run, journal, prepared, approval }: ScopeOptions) {
  const { db, policy } = deps;
  const { session, repository, isBug, handover } = prepared;
  const only = run.purpose === 'scope';

  return async (rating: Rating, { scope }: ToolRunContext): Promise<ToolResult> => {
    const history = journal.history();
    const missing = only ? null : approval.missing();
    if (!only && missing === null && hasBegun(history) && !mustRate(lastRated(history)))
      return { text: 'Work has begun, so the rating stands. Keep the plan true with update_plan.', isError: true };
    if (!only && rating.parts.length > 0 && session.headCommit !== null)
      return {
        text: 'There is a pull request for this ticket, so it is worked on and not split: rate it again without parts, and name in the plan what should be a ticket of its own.',
        isError: true,
      };
    if (!only && rating.parts.length > 0 && handover && (await hasUnpublishedFiles(db, session)))
      return { text: refuseToLeaveBehind(cleanLine(handover.by.name, 100)), isError: true };
    const { ticket, facts } = only ? prepared : await newestReading(deps, prepared);
    const [samples, live, begunAt, overridden, demand] = await Promise.all([
      listSamples(db),
      listLiveWork(db, session.id, repository.name),
      begunAtOf(db, run.id),
      listOverridden(db, session.id),
      demandOn(db, session.id),
    ]);
    const expected = estimate({ repository: repository.name, size: rating.size, isBug }, samples);
    const overlaps = findOverlaps({ id: session.hint.id, files: rating.files, begunAt }, live);
    const earlier = overlaps
      .filter(({ isEarlier, session: other }) => isEarlier && !overridden.has(ticketIdOf(other)))
      .map((each) => each.session);
    const last = lastRated(history.filter((step) => step.runId !== run.id));
    const approved = only ? null : approval.approved();
    const isAnother = approved !== null && !isPlanOf(approved, rating.plan);
    const tier = decideTier(repository, {
      from: 'rating',
      kinds: kindsOf(ticket),
      paths: rating.files,
      size: rating.size,
      rating: rating.confidence,
    });
    const isNever = tier.tier === 'never';
    const isPlanned = tier.tier === 'plan-and-review';
    const course = followRating(rating, policy.scope, {
      // In place of what people have not approved comes what they may; another plan than they approved is not approved.
      approval: missing === 'proposed' || isAnother || isPlanned || wantsApproval(ticket, facts, policy),
      isAnswered: hasAsked(last),
      mustWait: policy.overlap === 'wait' && earlier.length > 0,
    });
    const parts = missingParts(ticket, facts);
    const refused = (): Outcome =>
      demand ? returnWork(tier, demand, rating.confidence) : refuseWork(tier, ticket.title, false);
    const returned = () => demand && judgeRating(demand, rating.confidence, [...rating.questions, ...parts]);
    const ended = only ? null : isNever ? refused() : returned();
    // Nothing of it is to be worked on: what is known later is rated again.
    const followed = ended || isNever ? 'ask' : course;
    scope.rating({ rating, followed, repository: repository.name, isBug, estimate: expected });
    const rated = { confidence: rating.confidence, followed, only };
    if (ended) {
      const text = isNever ? `It is not for you to do: ${tier.because}. People are told.` : 'The ticket is given back.';
      return { text, isError: false, rated, outcome: ended };
    }
    if (followed !== 'ask' && rating.plan.length > 0) scope.plan(planOf(rating, followed));
    const findings = { estimate: expected, overlaps, tier: tellTier(tier) };
    const told = writeRating(rating, findings);
    if (followed === 'work') scope.report({ type: 'thought', body: told });
    if (only)
      return {
        text: 'Rated. Nothing more is to be done now.',
        isError: false,
        rated,
        outcome: { stopReason: 'finished', message: told, ...(isNever && { never: tier.because }) },
      };
    return { ...follow(followed, rating, { ...findings, earlier, missing: parts, facts }), isError: false, rated };
  };
}

/** Its parts begin on the base, where what a person did is not. */
function refuseToLeaveBehind(name: string): string {
  return (
    `${name} handed over changed files with this ticket, and a split would leave them behind: rate it again without parts, go ` +
    `on from what ${name} did, and name in the plan what should be a ticket of its own.`
  );
}

function follow(
  followed: Followed,
  rating: Rating,
  found: Findings & {
    overlaps: Overlap<TicketHint>[];
    earlier: TicketHint[];
    missing: string[];
    facts: TicketFacts;
  },
): Pick<ToolResult, 'text' | 'outcome'> {
  const people = 'People are asked now; what they say comes as a message.';
  const answers = { stopReason: 'needsInput' as const, options: ['Approve', 'Reject'] };
  switch (followed) {
    case 'work':
      return { text: ['Go on.', tellOverlaps(found.overlaps)].filter((part) => part !== '').join(' ') };
    case 'ask': {
      const questions = [...rating.questions, ...found.missing];
      const message = writeMissing(rating, found.missing);
      return { text: people, outcome: { stopReason: 'needsInput', message, questions } };
    }
    case 'plan': {
      const proposal = { kind: 'plan' as const, steps: rating.plan };
      return { text: people, outcome: { ...answers, message: introduceProposal(rating, found), proposal } };
    }
    case 'split': {
      const proposal = { kind: 'split' as const, parts: rating.parts };
      return { text: people, outcome: { ...answers, message: introduceSplit(rating, found, found.facts), proposal } };
    }
    case 'wait': {
      const waits = found.earlier.map((ticket) => ({ ticket: hintOf(ticket), until: 'rests' as const }));
      const message = writeWaiting(rating, found, found.earlier);
      const text =
        'You wait now. Should you hear anything before that is over, call scope again before you change anything.';
      return { text, outcome: { stopReason: 'waiting', message, waits } };
    }
    default: {
      const never: never = followed;
      throw new Error(`nobody knows how to follow ${String(never)}`);
    }
  }
}

function planOf({ plan }: Rating, followed: Followed): Plan {
  return plan.map((content, index) => ({
    content: content.slice(0, 500),
    status: followed === 'work' && index === 0 ? 'inProgress' : 'pending',
  }));
}

/** What a run that only rates is told first; and what one that works is told of a rating that was made before it. */
export function noteOnRating(
  run: Pick<ClaimedRun, 'id' | 'purpose'>,
  { ticket }: Pick<Prepared, 'ticket'>,
  steps: readonly StepRecord[],
  demanded: boolean,
): string[] {
  if (steps.some((step) => step.runId === run.id)) return [];
  const rated = lastRated(steps);
  // What was said and changed on a ticket while it was not ours is told by nobody else.
  const anew = () => `\n\nThis is how the ticket reads now.\n\n${writeRequest(ticket)}`;
  if (run.purpose === 'scope') {
    const again = steps.length > 0 ? anew() : '';
    return [`The ticket is only to be rated now: look at it and the code it touches, then call scope.${again}`];
  }
  if (!rated) return [];
  if (mustRate(rated, demanded)) {
    const again = rated.only ? anew() : '';
    return [
      `You have rated this ticket before. Call scope again, with what is known now, before you change anything.${again}`,
    ];
  }
  if (!isNewest(steps)) return [];
  if (rated.only)
    return [
      `You have rated this ticket before. It is yours now: go on with the work, or call scope again where the rating does not hold.${anew()}`,
    ];
  return rated.followed === 'wait' ? ['You need not wait any longer: go on.'] : [];
}

/** Whether the model has done nothing since its last rating. */
function isNewest(steps: readonly StepRecord[]): boolean {
  const since = steps.slice(steps.findLastIndex((step) => step.kind === 'model'));
  return lastRated(since) !== null;
}
