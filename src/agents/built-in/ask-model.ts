import { type ModelResult, readTurns, writeMessages } from '../../core/conversation.ts';
import { cutMiddle } from '../../core/cut-text.ts';
import type { StepScope } from '../../core/step.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { retry } from '../../lib/retry.ts';
import type { Model, ModelReply } from '../../models/model.ts';
import type { AgentContext } from '../agent.ts';

export interface ModelSettings {
  model: Model;
  maxOutputTokens: number;
  retryForMs: number;
}

const thoughtLength = 2_000;

/** The work of one `model` step. */
export async function askModel(
  settings: ModelSettings,
  context: AgentContext,
  said: string | null,
  scope: StepScope,
  signal: AbortSignal,
): Promise<ModelResult> {
  const { model } = settings;
  const { reply, overflowed } = await completeWithin(settings, context, said, signal);
  const { usage, text, calls, raw, finish } = reply;
  const costUsd = model.cost(usage);
  scope.usage({ model: model.id, tokens: usage, costUsd });
  context.budget.spend(usage, costUsd);
  if (text.trim() !== '')
    scope.report({ type: 'thought', body: cutMiddle(text.trim(), thoughtLength, () => '[...]'), ephemeral: true });
  return {
    reply: { text, calls, ...(raw === undefined ? {} : { raw }), finish },
    ...(overflowed ? { overflowed } : {}),
  };
}

/** A request that the model finds too long goes out once more with all but the latest tool output masked. */
async function completeWithin(
  settings: ModelSettings,
  context: AgentContext,
  said: string | null,
  signal: AbortSignal,
): Promise<{ reply: ModelReply; overflowed: boolean }> {
  const { model, maxOutputTokens, retryForMs } = settings;
  const turns = readTurns(context.journal.history());
  const tools = context.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  const complete = (overflowed: boolean) => {
    const messages = writeMessages(context.brief, turns, { said, overflowed }, model.contextWindow);
    return retry(() => model.complete({ system: context.brief.system, tools, messages, maxOutputTokens }, signal), {
      signal,
      forMs: retryForMs,
      judge: (error) => (error instanceof VendorError && error.retryable ? { retryAfterMs: error.retryAfterMs } : null),
      onWait: (waitMs, error) => context.report({ kind: 'retry', waitMs, reason: (error as Error).message }),
    });
  };
  try {
    return { reply: await complete(false), overflowed: false };
  } catch (error) {
    if (!(error instanceof VendorError) || error.code !== 'context_overflow') throw error;
    return { reply: await complete(true), overflowed: true };
  }
}
