import type { CriterionAnswer } from './criteria.ts';
import type { ThreadAnswer } from './review.ts';
import type { NamedScreenshot } from './screenshots.ts';

/** What the agent says of its finished work; the pull request and the closing words are written from it. */
export interface WorkReport {
  title: string;
  /** What was done and why. */
  summary: string;
  /** What it chose where the ticket left a choice, and why; a line each. */
  decisions: string[];
  /** What could go wrong with this change; null when it sees nothing. */
  risk: string | null;
  /** What it says of each of the ticket's acceptance criteria. */
  criteria: CriterionAnswer[];
  /** What it answers to the remarks of a review; missing where an older version wrote it. */
  threads?: ThreadAnswer[];
  /** What it wants people to see; missing where it was not asked, or an older version wrote it. */
  screenshots?: NamedScreenshot[];
  /** How people corrected the way it works, as rules that hold beyond the ticket. */
  learned: string[];
  /** The answer to a ticket that needs no change; null when there is one. */
  answer: string | null;
}
