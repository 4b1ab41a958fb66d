import { describeUsed, type ModelCall } from '../../core/budget.ts';
import { type ModelInput, type ModelResult, type Turn, writeMessages } from '../../core/conversation.ts';
import { cutMiddle } from '../../core/cut-text.ts';
import { imageTokens, type Message, type TokenUsage } from '../../core/message.ts';
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

/** A model call that is ready to be made. */
export interface PreparedCall extends ModelCall {
  bytes: number;
  messages(overflowed: boolean): Message[];
}

const thoughtLength = 2_000;
/** No tokenizer makes more of text than its bytes; most make a quarter. What is not used is given back with the reply. */
const bytesPerToken = 1;
/** A long run says in between what it has cost. */
const tellCost = { turns: 10, ms: 600_000 };

/** How one run asks its model. */
export function createAsking(settings: ModelSettings, context: AgentContext) {
  const { model } = settings;
  const { system } = context.brief;
  const images = model.sees ? context.images : null;
  const tools = context.tools
    .filter(({ isHidden }) => !isHidden)
    .map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  let last: { bytes: number; tokens: number } | null = null;
  let toldAtMs = 0;

  function prepare(turns: Turn[], input: ModelInput): PreparedCall {
    const write = (overflowed: boolean) =>
      writeMessages(context.brief, turns, { ...input, overflowed }, model.contextWindow, images);
    const messages = write(false);
    const bytes = sizeOf([system, tools], messages);
    // The request before is the beginning of this one, and what that came to is known.
    const grown = last && bytes >= last.bytes ? last.tokens + (bytes - last.bytes) / bytesPerToken : Infinity;
    return {
      model: model.id,
      bytes,
      messages: (overflowed) => (overflowed ? write(true) : messages),
      promptTokens: Math.ceil(Math.min(grown, bytes / bytesPerToken, model.contextWindow)),
      maxOutputTokens: Math.min(input.maxOutputTokens ?? Infinity, settings.maxOutputTokens),
      cost: (usage) => model.cost(usage),
    };
  }

  /** The work of one `model` step. */
  async function ask(
    call: PreparedCall,
    maxOutputTokens: number,
    scope: StepScope,
    signal: AbortSignal,
  ): Promise<ModelResult> {
    const complete = (overflowed: boolean) =>
      completeInTime({ system, tools, messages: call.messages(overflowed), maxOutputTokens }, signal);
    const { reply, overflowed } = await withinWindow(complete);
    const { usage, text, calls, raw, finish } = reply;
    const costUsd = model.cost(usage);
    scope.usage({ model: model.id, tokens: usage, costUsd });
    context.budget.spend(usage, costUsd);
    last = overflowed ? null : { bytes: call.bytes, tokens: promptOf(usage) };
    const body = [cutMiddle(text.trim(), thoughtLength, () => '[...]'), costSoFar()].filter((part) => part !== '');
    if (body.length > 0) scope.report({ type: 'thought', body: body.join('\n\n'), ephemeral: true });
    return {
      reply: { text, calls, ...(raw === undefined ? {} : { raw }), finish },
      ...(overflowed ? { overflowed } : {}),
    };
  }

  function completeInTime(request: Parameters<Model['complete']>[0], signal: AbortSignal): Promise<ModelReply> {
    return retry(() => model.complete(request, signal), {
      signal,
      forMs: settings.retryForMs,
      // A reply that broke off was paid for: the run makes that call again, so that it is counted and its limits asked.
      judge: (error) =>
        error instanceof VendorError && error.retryable && error.code !== 'cut_stream'
          ? { retryAfterMs: error.retryAfterMs }
          : null,
      onWait: (waitMs, error) => context.report({ kind: 'retry', waitMs, reason: (error as Error).message }),
    });
  }

  function costSoFar(): string {
    const used = context.budget.used();
    if (used.turns % tellCost.turns !== 0 && used.ms - toldAtMs < tellCost.ms) return '';
    toldAtMs = used.ms;
    return `*So far: ${describeUsed(used)}.*`;
  }

  return { prepare, ask };
}

/** A request that the model finds too long goes out once more with all but the latest tool output masked. */
async function withinWindow(
  complete: (overflowed: boolean) => Promise<ModelReply>,
): Promise<{ reply: ModelReply; overflowed: boolean }> {
  try {
    return { reply: await complete(false), overflowed: false };
  } catch (error) {
    if (!(error instanceof VendorError) || error.code !== 'context_overflow') throw error;
    return { reply: await complete(true), overflowed: true };
  }
}

/** An image counts as what it may come to, not as the bytes that it is sent as. */
function sizeOf(rest: unknown[], messages: Message[]): number {
  const images = messages.flatMap((message) => (message.role === 'user' && message.images) || []).length;
  const text = JSON.stringify([...rest, images === 0 ? messages : messages.map(withoutImages)]);
  return Buffer.byteLength(text) + images * imageTokens * bytesPerToken;
}

function withoutImages(message: Message): Message {
  return message.role === 'user' ? { role: 'user', text: message.text } : message;
}

function promptOf(usage: TokenUsage): number {
  return usage.input + usage.cacheRead + usage.cacheWrite;
}
