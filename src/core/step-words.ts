import type { ToolCall } from './message.ts';
import type { StepKind } from './step.ts';

/** What of a step's beginning says what it does. */
export interface BegunStep {
  kind: StepKind;
  key: string;
  input: unknown;
}

const shownLength = 120;

/** What a run is doing, to follow "it was" or "still": from the step that it began and has not completed, if there is one. */
export function describeStep(step: BegunStep | null): string {
  if (!step) return 'getting ready';
  if (step.kind === 'model') return 'waiting for the model';
  if (step.kind === 'verify') return 'verifying the work';
  const { call } = step.input as { call?: ToolCall };
  if (!call) return 'calling a tool';
  const command = call.name === 'bash' ? firstText(call.input) : null;
  if (command !== null) return `running ${quoted(command)}`;
  const about = firstText(call.input);
  return about === null ? `calling ${quoted(call.name)}` : `calling ${quoted(`${call.name} ${about}`)}`;
}

/** Tells one step from another wherever it stands: a call that a model makes again in its next turn is the same step. */
export function identifyStep(step: BegunStep | null): string {
  if (!step) return 'getting ready';
  const { call } = (step.input ?? {}) as { call?: ToolCall };
  if (step.kind !== 'tool' || !call) return `${step.kind} ${step.key}`;
  return `tool ${call.name} ${JSON.stringify(call.input)}`;
}

function firstText(input: unknown): string | null {
  if (typeof input !== 'object' || input === null) return null;
  const text = Object.values(input).find((value) => typeof value === 'string' && value.trim() !== '');
  return typeof text === 'string' ? text : null;
}

/** In one line, as code. */
function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('`', "'").trim();
  return `\`${line.length > shownLength ? `${line.slice(0, shownLength).toWellFormed()}…` : line}\``;
}
