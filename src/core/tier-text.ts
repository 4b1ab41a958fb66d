import { inEscalation } from './escalation.ts';
import type { Outcome } from './outcome.ts';
import type { Confidence } from './scope.ts';
import type { Demand } from './standing-orders.ts';
import { listPaths, type Tiered } from './tiers.ts';
import type { WorkReport } from './work-report.ts';

/*
 * What people and the model are told where the rules of a repository do not let the agent work by itself.
 */

/** How a run ends on work that is not for the agent. `isGuess`: only by what the ticket names, which may be beside the point. */
export function refuseWork({ because }: Tiered, asked: string, isGuess: boolean): Outcome {
  const options = [
    'Give the ticket to someone else',
    isGuess
      ? 'If the work is elsewhere, say "continue": I begin, and what is not for me I do not change'
      : 'Change the ticket or the rule, and say "continue"',
  ];
  return { ...inEscalation('needsInput', { asked, blocks: `I do not do this: ${because}.`, options }), never: because };
}

/** The same for a ticket that a standing order took. */
export function returnWork({ because }: Tiered, { order }: Demand, rating: Confidence): Outcome {
  const message = `I give this back, which the standing order "${order}" took: it is not for me to do, because ${because}.`;
  return { stopReason: 'finished', message, givesBack: rating, never: because };
}

/** A line of what is shown with a rating; '' where nothing is to be said. */
export function tellTier({ tier, because }: Tiered): string {
  if (tier === 'review') return '';
  return tier === 'never'
    ? `I do not do this: ${because}.`
    : `People approve the plan before I change anything: ${because}.`;
}

/** To the model, on a change that it handed in. */
export function refuseChange({ because }: Tiered): string {
  return `Not accepted: ${because}. Undo that part and call finish again. Where the ticket cannot be done without it, ask people: someone else has to do it.`;
}

/** The same to people. */
export function writeRefusedChange({ because }: Tiered): string {
  return `**Not published.** ${because.charAt(0).toUpperCase()}${because.slice(1)}. I undo that part, or ask you.`;
}

/** How a run ends whose change is made and wants a yes; the plan names what was done, so that the yes is for that. */
export function proposeChange(
  { because }: Pick<Tiered, 'because'>,
  { report, paths, proof }: { report: Pick<WorkReport, 'title' | 'summary'>; paths: readonly string[]; proof: string },
): Outcome {
  const message = `This is made, but not published: ${because}. Verified on a clean checkout: ${proof}.`;
  const steps = [report.title, report.summary, `Publish the change of ${listPaths(paths)}`];
  const plan = steps.map((step) => step.trim()).filter((step) => step !== '');
  return {
    stopReason: 'needsInput',
    message,
    options: ['Approve', 'Reject'],
    proposal: { kind: 'plan', steps: plan },
  };
}

/** To the model, with that. */
export function noteChangeProposed({ because }: Pick<Tiered, 'because'>): string {
  return `Nothing is wrong with the change, but ${because}: people are asked whether it may be published. Call finish again when they approve it, or when you have taken in what they say instead.`;
}
