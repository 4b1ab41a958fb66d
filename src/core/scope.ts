import type { Estimate } from './estimate.ts';
import type { Part } from './proposal.ts';
import type { StepRecord } from './step.ts';
import type { Ticket } from './ticket.ts';
import type { TicketFacts } from './ticket-facts.ts';
import type { ToolResult } from './tool.ts';

/*
 * What becomes of the rating of a ticket, before anything is worked on.
 */

/** How sure it is what to do and how, the best first: green, what is open can be decided; yellow, with risks; red, something is missing. */
export const confidences = ['green', 'yellow', 'red'] as const;
export type Confidence = (typeof confidences)[number];
export const sizes = ['S', 'M', 'L'] as const;
export type Size = (typeof sizes)[number];

export interface Rating {
  confidence: Confidence;
  size: Size;
  /** Paths or globs that are likely touched. */
  files: string[];
  plan: string[];
  /** What is open. */
  questions: string[];
  /** Sub-tickets, where it is too large for one or needs two repositories. */
  parts: Part[];
}

/** What a rating leads to, as configured. */
export const courses = ['work', 'plan', 'ask'] as const;
export type Course = (typeof courses)[number];

export interface ScopePolicy extends Record<Confidence, Course> {
  /** Whether a ticket is rated before it is worked on. */
  before: boolean;
}

/** `split`: it proposes sub-tickets. `wait`: for a session that is at work on the same files. */
export type Followed = Course | 'split' | 'wait';

/** A completed rating as the journal has it, beside the result of its call. */
export interface Rated {
  confidence: Confidence;
  followed: Followed;
  /** It was only asked for; nothing has followed from it yet. */
  only: boolean;
}

/** The newest rating of a journal. */
export interface LastRated extends Rated {
  /**
   * Its run would have ended by it and went on, because people spoke just then: nobody was shown what it proposes, and what
   * it would have waited for is still there.
   */
  isPassedOver: boolean;
}

/** What is kept of a rating, to be compared with what comes of it. */
export interface RatingRecord {
  rating: Rating;
  followed: Followed;
  repository: string;
  isBug: boolean;
  estimate: Estimate | null;
}

/** Whether people want to see a plan before work on this ticket begins. */
export function wantsApproval(
  ticket: Pick<Ticket, 'labels'>,
  facts: Pick<TicketFacts, 'approval'>,
  policy: { approval: { plan: 'always' | 'never' } },
): boolean {
  if (facts.approval !== null) return !switchesOff(facts.approval);
  const isLabelled = ticket.labels.some((label) => /^approval\s*[:=/]\s*plan$/i.test(label.trim()));
  return isLabelled || policy.approval.plan === 'always';
}

const declining = new Set([
  ...['none', 'no', 'nothing', 'off', 'false', 'no plan', 'no approval', 'not needed', 'not required', 'not necessary'],
  ...['no approval needed', 'no approval required', 'no plan needed', 'no plan required'],
]);

/** Whoever writes anything else there wants to be asked, in whatever words. */
function switchesOff(text: string): boolean {
  return declining.has(
    text
      .trim()
      .toLowerCase()
      .replace(/\s+/g, ' ')
      .replace(/[.!]+$/, ''),
  );
}

/**
 * What follows from a rating. A red one is asked about, however it would be split or planned, and as often as it is red; any
 * other that people have answered is not asked about again.
 */
export function followRating(
  rating: Pick<Rating, 'confidence' | 'parts'>,
  policy: ScopePolicy,
  { approval, mustWait, isAnswered }: { approval: boolean; mustWait: boolean; isAnswered: boolean },
): Followed {
  const course = policy[rating.confidence];
  if (course === 'ask' && (rating.confidence === 'red' || !isAnswered)) return 'ask';
  if (rating.parts.length > 0) return 'split';
  if (course === 'plan' || approval) return 'plan';
  return mustWait ? 'wait' : 'work';
}

/** The newest completed rating of a session; null before there is one, or when its conversation was deleted since. */
export function lastRated(history: readonly StepRecord[]): LastRated | null {
  const ratedBy = ({ kind, completed, result }: StepRecord) =>
    kind === 'tool' && completed ? (result as ToolResult | null)?.rated : undefined;
  const place = history.findLastIndex((step) => ratedBy(step) !== undefined);
  const step = history[place];
  const rated = step && ratedBy(step);
  if (!rated) return null;
  const goesOn = history.slice(place).some(({ kind, runId }) => kind === 'model' && runId === step.runId);
  return { ...rated, isPassedOver: goesOn && rated.followed !== 'work' };
}

/**
 * Whether there must be a rating, or another one, before anything is changed. `demanded`: a standing order took the ticket,
 * which goes by the ticket as it is now, not by what it was rated before.
 */
export function mustRate(rated: (Rated & Partial<LastRated>) | null, demanded = false): boolean {
  if (rated === null || rated.isPassedOver) return true;
  return rated.followed === 'ask' || (rated.only && (demanded || rated.followed !== 'work'));
}

/** Whether people were asked by a rating; one that was only asked for asks nobody. */
export function hasAsked(rated: Rated | null): boolean {
  return rated !== null && rated.followed === 'ask' && !rated.only;
}

/** Tools that change something, or hand it in. `bash` is for looking around, too. */
const changing = new Set(['edit', 'write', 'finish']);
const speaking = new Set(['ask', 'note', 'update_plan']);

/** Why a tool may not be called before the ticket is rated; null where it may. `changes`: it does, by what is known of it. */
export function refuseBeforeRating(
  name: string,
  history: readonly StepRecord[],
  { before, only, demanded = false }: { before: boolean; only: boolean; demanded?: boolean },
  changes = changing.has(name),
): string | null {
  if (only) {
    if (!changes && !speaking.has(name)) return null;
    return 'The ticket is only rated this time: nothing is changed, and nobody is told anything. Call scope.';
  }
  if (!changes) return null;
  const rated = lastRated(history);
  // Where no rating is wanted, one may have been made all the same.
  const isRefused = before ? mustRate(rated, demanded) : rated?.isPassedOver;
  if (!isRefused) return null;
  return rated === null
    ? `Rate the ticket before you change anything: call scope, then ${name} again.`
    : `Rate the ticket again with what is known now: call scope, then ${name} again.`;
}

/** Whether something was changed, after the step `since`: from then on the rating stands. */
export function hasBegun(history: readonly StepRecord[], since = 0): boolean {
  return history.some(
    ({ seq, kind, key, completed, result }) =>
      seq > since &&
      kind === 'tool' &&
      completed &&
      /:(edit|write)$/.test(key) &&
      (result as ToolResult | null)?.isError === false,
  );
}

/** A circle among parts, each with the one it comes after: places from 0. null: there is none. */
export function findCircle(parts: readonly Pick<Part, 'after'>[]): number[] | null {
  const done = new Set<number>();
  const visit = (place: number, path: number[]): number[] | null => {
    const at = path.indexOf(place);
    if (at >= 0) return path.slice(at);
    if (done.has(place)) return null;
    for (const before of parts[place]?.after ?? []) {
      const circle = visit(before, [...path, place]);
      if (circle) return circle;
    }
    done.add(place);
    return null;
  };
  for (const place of parts.keys()) {
    const circle = visit(place, []);
    if (circle) return circle;
  }
  return null;
}

/** What is wrong with the parts, for the model; null where nothing is. */
export function judgeParts(parts: readonly Part[]): string | null {
  if (parts.length === 1) return 'One part is no split: leave parts out, or name two at least.';
  if (parts.length > mostParts) return `These are ${parts.length} parts; propose ${mostParts} at most.`;
  for (const [place, { title, after }] of parts.entries()) {
    if (title === '') return `Part ${place} has no title: its first line.`;
    const wrong = after.find((before) => parts[before] === undefined);
    if (wrong !== undefined)
      return `Part ${place} comes after ${wrong}, but the parts are 0 to ${parts.length - 1}. \`after\` counts from 0.`;
  }
  const circle = findCircle(parts);
  if (circle) return `The parts wait for one another: ${[...circle, circle[0]].join(' after ')}. Order them anew.`;
  return null;
}

const mostParts = 20;
