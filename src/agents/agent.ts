import type { Budget } from '../core/budget.ts';
import type { Brief } from '../core/conversation.ts';
import type { Image } from '../core/message.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Decision } from '../core/policy.ts';
import type { Prompt } from '../core/prompt.ts';
import type { Journal } from '../core/step.ts';
import type { Tool } from '../core/tool.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';

/** Something that works on a ticket in turns. Verification, budgets, killing and reporting are not its business. */
export interface Agent {
  readonly kind: string;
  readonly capabilities: AgentCapabilities;
  /**
   * Works until it has finished, needs people, or has to stop. Everything it must not do twice goes through the journal.
   * Throws on abort, on `RunLost`, and for what no retry mends.
   */
  run(context: AgentContext, signal: AbortSignal): Promise<Outcome>;
}

export interface AgentCapabilities {
  /** Goes on from the exact journaled step after a crash. */
  exactResume: boolean;
  steer: 'turn' | 'interrupt';
  reportsMoney: boolean;
}

/** What the agent is to hear before its next turn. */
export interface Heard {
  /** What people said and no step has read yet, in order. */
  prompts: Prompt[];
  /** What the service has to tell beside it. */
  notes: string[];
  /** Hashes of the images that belong to the notes. */
  images?: string[];
  /** What the step that hears this reads beside the prompts. */
  reads?: string[];
  /** What was said ends the run. */
  outcome?: Outcome;
}

export interface AgentContext {
  /** Written once per session, byte for byte the same on resume. */
  brief: Brief;
  /** The images that brief and notes name, by their hashes; what is heard may add to it. */
  images: ReadonlyMap<string, Image>;
  journal: Journal;
  prompts: {
    /** What is new since the last call. An `outcome` in it ends the run: nothing else is done. */
    take(): Promise<Heard>;
  };
  /** Things the model must be told before its next turn (what a take-over undid, for one). Handed out once. */
  notes: string[];
  tools: Tool[];
  sandbox: Sandbox;
  /** The workspace's tree as of its last snapshot; null before the first. */
  tree(): string | null;
  budget: Budget;
  permit(call: { name: string; input: unknown }): Decision;
  /** Progress that is not part of a step: shown live, never stored. */
  report(update: { kind: 'retry'; waitMs: number; reason: string }): void;
}
