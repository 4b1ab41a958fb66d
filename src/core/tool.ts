import type { ToolCall } from './message.ts';
import type { Outcome } from './outcome.ts';
import type { Rated } from './scope.ts';
import type { StepScope } from './step.ts';

/** JSON Schema (2020-12) of a tool's arguments. */
export type JsonSchema = Record<string, unknown>;

export interface ToolSpec {
  name: string;
  description: string;
  inputSchema: JsonSchema;
}

export interface ToolResult {
  /** What the model reads. */
  text: string;
  isError: boolean;
  /** Images of the session's evidence that the model is shown with it, by their hashes. */
  images?: string[];
  /** One short line for people: "exit 0 in 2.1 s", "+3 -1 lines". */
  summary?: string;
  /** Standing instructions found on the way (a subdirectory's AGENTS.md). Told once, and never masked. */
  instructions?: Instructions[];
  /** Set by a tool that ends the run (`finish`, `ask`). */
  outcome?: Outcome;
  /** The ticket was rated by this call. */
  rated?: Rated;
  /** What the call did was undone when this step of the session was the newest. */
  undoneAt?: number;
}

/** A file of the repository that says how to work there. */
export interface Instructions {
  path: string;
  text: string;
}

export interface ToolRunContext {
  /** The journal key of this call, for names of files and ids. */
  key: string;
  signal: AbortSignal;
  /** What is recorded here commits with this call's step, or not at all. */
  scope: StepScope;
}

/**
 * Something the agent can call. A failure that the model can do something about is a result with `isError`; throwing ends
 * the run. `readOnly` promises that running it twice, or beside another, changes nothing.
 */
export interface Tool extends ToolSpec {
  readOnly: boolean;
  /** A call that was interrupted is simply made again: all that it leaves behind commits with its step. `readOnly` implies it. */
  repeatable?: boolean;
  /** What it changes is not in the workspace, where it could be undone: nobody knows what became of a call that was interrupted. */
  actsOutside?: boolean;
  /** Not in requests, where there is no room for it: the model finds it by one tool, and calls it by another (`forwards`). */
  isHidden?: boolean;
  /** What a call of this tool calls in truth: by that it is permitted, told and made. null: nothing; its own `run` says why. */
  forwards?(input: unknown): Pick<ToolCall, 'name' | 'input'> | null;
  /** How a call is told on the ticket: `Reading src/a.ts` is `{ action: 'Reading', parameter: 'src/a.ts' }`; null says nothing. */
  describe(input: unknown): { action: string; parameter: string } | null;
  run(input: unknown, context: ToolRunContext): Promise<ToolResult>;
}
