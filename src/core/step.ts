import type { Activity } from './activity.ts';
import type { Reservation } from './budget.ts';
import type { Evidence } from './evidence.ts';
import type { TokenUsage } from './message.ts';
import type { Plan } from './plan.ts';
import type { RatingRecord } from './scope.ts';

export type StepKind = 'model' | 'tool' | 'verify';

/** One journaled unit of work. `result` is null until it completed; a completed step is never run again. */
export interface StepRecord {
  id: string;
  runId: string;
  seq: number;
  kind: StepKind;
  key: string;
  readOnly: boolean;
  input: unknown;
  result: unknown;
  completed: boolean;
}

/** What a step's work may record. All of it commits with the step's completion, or not at all. */
export interface StepScope {
  report(activity: Activity): void;
  plan(plan: Plan): void;
  /** `content`: the bytes of evidence that is a file. */
  evidence(evidence: Evidence, content?: Uint8Array): void;
  rating(rating: RatingRecord): void;
  usage(usage: { model: string; tokens: TokenUsage; costUsd: number | null }): void;
}

export interface StepOptions {
  readOnly?: boolean;
  /** Shown when the step begins. */
  announce?: Activity[];
  /** Prompts that this step reads; marked read when it begins. */
  reads?: string[];
  /** What a model call may use at most. Throws `OverBudget`, with nothing begun, where that does not fit. */
  reserve?: Reservation;
}

/**
 * The journal of one attempt of a run, the only way to do a thing that must not be done twice.
 *
 * `step` returns the stored result if a step of this key completed in any attempt; otherwise it records the step as begun
 * (with `input`; the stored input wins when an earlier attempt had begun it), does the work and stores its result, which
 * must be plain JSON. Throws `RunLost` when another worker has taken the run over: stop at once, nothing was written.
 * What the work throws passes through and leaves the step begun.
 */
export interface Journal {
  /** The run that this is an attempt of: which steps of the history are its own. */
  readonly runId: string;
  step<I, T>(
    kind: StepKind,
    key: string,
    input: I,
    work: (scope: StepScope, input: I) => Promise<T>,
    options?: StepOptions,
  ): Promise<T>;
  /** Steps of this session, all runs, in order. Begun ones that never completed are among them. */
  history(): readonly StepRecord[];
}

/** The run belongs to somebody else now. */
export class RunLost extends Error {
  constructor(runId: string) {
    super(`run ${runId} was taken over by another worker`);
    this.name = 'RunLost';
  }
}

/** A person asked for a stop, on the ticket or the command line: no step begins any more. */
export class StopRequested extends Error {
  constructor() {
    super('a stop was requested');
    this.name = 'StopRequested';
  }
}
