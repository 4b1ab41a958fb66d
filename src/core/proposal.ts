import { hashOf } from '../lib/ids.ts';

/** What people are asked to approve before it is done. An approval holds for exactly this content, never for another. */
export type Proposal =
  | { kind: 'plan'; steps: string[] }
  /** To file these tickets instead of doing it all in one. */
  | { kind: 'split'; parts: Part[] };

/** What a proposal of this content is called by. */
export function codeOf(content: Proposal): string {
  return hashOf(content).slice(0, 6);
}

/** What of a part is shown, and therefore filed: people approve what they have read. */
export const partLimits = { title: 200, description: 2_000 };

/** Whether who approved this has approved these steps, word for word. */
export function isPlanOf(approved: Proposal, steps: readonly string[]): boolean {
  if (approved.kind !== 'plan' || approved.steps.length !== steps.length) return false;
  return approved.steps.every((step, place) => step === steps[place]);
}

/** A sub-ticket that is proposed. */
export interface Part {
  title: string;
  description: string;
  /** Where it differs from the ticket's own. */
  repository: string | null;
  /** Places in the list of parts, from 0, of those that must be done before. */
  after: number[];
}

/** `open`: nobody has decided on it yet. `superseded`: another was proposed before anybody had. */
export type ProposalState = 'open' | 'approved' | 'rejected' | 'superseded';
