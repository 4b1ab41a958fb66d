import type { Outcome } from './outcome.ts';

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
  /** Set by a tool that ends the run (`finish`, `ask`). */
  outcome?: Outcome;
}

export interface ToolRunContext {
  /** The journal key of this call, for names of files and ids. */
  key: string;
  signal: AbortSignal;
}

/**
 * Something the agent can call. A failure that the model can do something about is a result with `isError`; throwing ends
 * the run. `readOnly` promises that running it twice, or beside another, changes nothing.
 */
export interface Tool extends ToolSpec {
  readOnly: boolean;
  /** How a call is told on the ticket: `Reading src/a.ts` is `{ action: 'Reading', parameter: 'src/a.ts' }`; null says nothing. */
  describe(input: unknown): { action: string; parameter: string } | null;
  run(input: unknown, context: ToolRunContext): Promise<ToolResult>;
}
