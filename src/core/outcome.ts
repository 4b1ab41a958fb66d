import type { ProofVerdict } from './evidence.ts';

export type StopReason = 'finished' | 'needsInput' | 'budgetExceeded' | 'loopDetected' | 'stopped' | 'failed';

/** How a run ended. `message` is for people; `options` are the answers offered where a question was asked. */
export interface Outcome {
  stopReason: StopReason;
  message: string;
  options?: string[];
  /** Of a change that was published. */
  proof?: ProofVerdict;
}

/** One structure wherever Shipmate stops to ask people. */
export interface Escalation {
  asked: string;
  tried: string[];
  blocks: string;
  options: string[];
  evidence: string[];
  log: string | null;
}
