import type { Rank } from './rank-line.ts';

export interface LogLine {
  /** In the log as it was stored, from 1. */
  number: number;
  /** Of a folded group: the last line that it stands for. */
  last?: number;
  /** Clean, but with what may be secret. */
  text: string;
  rank: Rank | null;
  /** Whether it was written in the step that failed, as far as that is known. */
  isInStep: boolean;
}
