import { callKey, type Turn } from '../../core/conversation.ts';
import { interruptedText, notReachedText, unknownText } from '../../core/interruption.ts';
import type { ToolCall } from '../../core/message.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { StepRecord } from '../../core/step.ts';
import type { Tool, ToolResult } from '../../core/tool.ts';
import type { AgentContext } from '../agent.ts';

const atOnce = 8;
const endedText = 'This call was not made: the run ended with an earlier call of the same reply.';

interface PlannedCall {
  key: string;
  call: ToolCall;
  /** What of it is called in truth. */
  input: unknown;
  /** Why it is not made; null when it is. */
  refusal: string | null;
  tool: Tool | undefined;
  readOnly: boolean;
}

/**
 * Sees to it that every call of a turn has a result in the journal: reads that follow one another at the same time, the
 * rest one by one in order. Answers how the run ends, if a tool ended it; calls after that one are not made.
 */
export async function answerCalls(turn: Turn, context: AgentContext, signal: AbortSignal): Promise<Outcome | null> {
  const begun = new Set(
    context.journal.history().flatMap((step) => (step.runId === turn.runId && !step.completed ? [step.key] : [])),
  );
  const calls = turn.reply.calls.map((call, index) => plan(call, callKey(turn.key, index, call), turn, context));
  let outcome: Outcome | null = null;
  let undone = isUndone(context.journal.history(), turn);
  for (const batch of inBatches(calls)) {
    const instead = outcome !== null ? endedText : null;
    const results: ToolResult[] = await allOf(
      batch.map((planned) => {
        // What writes or ends the run was meant for files that are no longer there.
        const missed = undone && !planned.tool?.readOnly && planned.refusal === null ? notReachedText : null;
        return answer(planned, begun.has(planned.key), instead ?? missed, context, signal);
      }),
    );
    for (const result of results) {
      outcome ??= result.outcome ?? null;
      undone ||= result.text === interruptedText;
    }
  }
  return outcome;
}

/** Whether a change that this reply counted on was undone after it: the model was asked when the change still stood. */
function isUndone(history: readonly StepRecord[], turn: Turn): boolean {
  const reply = history.find((step) => step.runId === turn.runId && step.key === turn.key);
  if (!reply) return false;
  return history.some(({ kind, seq, completed, result }) => {
    const at = kind === 'tool' && completed && seq < reply.seq ? (result as ToolResult).undoneAt : undefined;
    return at !== undefined && at >= reply.seq;
  });
}

function plan(call: ToolCall, key: string, turn: Turn, context: AgentContext): PlannedCall {
  const find = (name: string) => context.tools.find((known) => known.name === name);
  const asked = find(call.name);
  const refused = refuse(call, asked, turn, context);
  const other = refused === null ? (asked?.forwards?.(call.input) ?? null) : null;
  const made = other === null ? call : { ...call, ...other };
  const tool = other === null ? asked : find(other.name);
  const refusal = other === null ? refused : refuse(made, tool, turn, context);
  return { key, call, input: made.input, refusal, tool, readOnly: refusal !== null || (tool?.readOnly ?? true) };
}

function refuse(call: ToolCall, tool: Tool | undefined, turn: Turn, context: AgentContext): string | null {
  if (call.invalid !== undefined) {
    const cutOff = turn.reply.finish === 'length' ? ' The reply was cut off at its length limit: be shorter.' : '';
    return `${call.name} was not called. ${call.invalid}${cutOff}`;
  }
  const decision = context.permit({ name: call.name, input: call.input });
  if (!decision.allow) return decision.reason;
  if (tool) return null;
  const named = context.tools.flatMap(({ name, isHidden }) => (isHidden ? [] : [name]));
  return `There is no tool "${call.name}". The tools are: ${named.join(', ')}.`;
}

async function answer(
  { key, call, input, refusal, tool, readOnly }: PlannedCall,
  wasBegun: boolean,
  /** What the model is told instead, when the call is not to be made. */
  instead: string | null,
  context: AgentContext,
  signal: AbortSignal,
): Promise<ToolResult> {
  const shown = tool && refusal === null && instead === null ? tool.describe(input) : null;
  // A call that an earlier attempt began and did not complete is made again only where that changes nothing.
  const interrupted = wasBegun && !readOnly && !tool?.repeatable;
  return context.journal.step<{ call: ToolCall }, ToolResult>(
    'tool',
    key,
    { call },
    async (scope) => {
      if (instead !== null) return error(instead);
      if (refusal !== null || !tool) return error(refusal ?? 'There is no such tool.');
      if (interrupted) return error(tool.actsOutside ? unknownText : interruptedText);
      const result = await tool.run(input, { key, signal, scope });
      signal.throwIfAborted();
      if (shown)
        scope.report({ type: 'action', ...shown, result: result.summary ?? (result.isError ? 'failed' : 'done') });
      return result;
    },
    {
      // To the journal: nothing in the workspace is to be kept, or can be undone.
      readOnly: readOnly || tool?.repeatable === true || tool?.actsOutside === true,
      announce: shown && !interrupted ? [{ type: 'action', ...shown, ephemeral: true }] : [],
    },
  );
}

function error(text: string): ToolResult {
  return { text, isError: true };
}

function inBatches(calls: PlannedCall[]): PlannedCall[][] {
  const batches: PlannedCall[][] = [];
  for (const call of calls) {
    const last = batches.at(-1);
    if (call.readOnly && last?.[0]?.readOnly && last.length < atOnce) last.push(call);
    else batches.push([call]);
  }
  return batches;
}

/** Waits for all before it fails for one: what still runs must not outlive the run unseen. */
async function allOf<T>(promises: Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
  return settled.map((each) => (each as PromiseFulfilledResult<T>).value);
}
