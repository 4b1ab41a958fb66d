import type { LanguageModel, ToolSet } from 'ai';
import type { TokenUsage } from '../../core/message.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { Model, ModelReply, ModelRequest } from '../model.ts';
import { type ErrorContext, toVendorError } from './errors.ts';
import { toCallSettings, toRaw, toToolCall } from './messages.ts';
import { type AiSdkProviderName, aiSdkProviders, type Endpoint } from './providers.ts';

export interface AiSdkModelOptions extends Endpoint {
  provider: AiSdkProviderName;
  contextWindow: number;
  sees: boolean;
  cost(usage: TokenUsage): number | null;
}

/**
 * A vendor's model through the `ai` package, which is used for the wire formats alone: one step, no tool execution, no
 * retries, no telemetry. Neither it nor a provider package is loaded before the first `complete` or `check`, which takes about
 * 100 ms: a service that checks its model at start saves its first request the wait.
 */
export function createAiSdkModel(options: AiSdkModelOptions): Model {
  const provider = aiSdkProviders[options.provider];
  const baseUrl = options.baseUrl ?? provider.defaultBaseUrl;
  const id = `${options.provider}:${options.name}`;
  const errorContext: ErrorContext = { id, keyName: provider.keyName, apiKey: options.apiKey };
  let loading: Promise<Loaded> | null = null;

  /** The variable that is not set and has to be. */
  function missing(): string | null {
    if (baseUrl === null) return 'OPENAI_BASE_URL'; // the one format without a vendor of its own
    return provider.keyNeeded && !options.apiKey ? provider.keyName : null;
  }

  async function load(): Promise<Loaded> {
    const variable = missing();
    if (variable !== null || baseUrl === null)
      throw new VendorError(`${id} can't be used: ${variable} is not set`, { code: 'unauthorized', retryable: false });
    const [sdk, model] = await Promise.all([import('ai'), provider.connect({ ...options, baseUrl })]);
    globalThis.AI_SDK_LOG_WARNINGS = false; // it writes to stderr otherwise, of things that it has mended itself
    return { sdk, model };
  }

  async function ask(request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    loading ??= load();
    const { sdk, model } = await loading;
    const { tools, ...settings } = toCallSettings(request, provider, options.provider);
    const result = sdk.streamText({
      ...settings,
      model,
      tools: Object.fromEntries(
        tools.map(({ name, inputSchema, ...tool }) => [name, { ...tool, inputSchema: sdk.jsonSchema(inputSchema) }]),
      ) as ToolSet,
      providerOptions: provider.options(options.name, request),
      maxOutputTokens: request.maxOutputTokens,
      maxRetries: 0,
      stopWhen: sdk.isStepCount(1),
      telemetry: { isEnabled: false },
      abortSignal: signal,
      onError() {}, // it prints otherwise; errors are thrown below
    });
    for await (const part of result.stream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'abort') signal.throwIfAborted();
    }
    const step = await result.finalStep;
    if (step.finishReason === 'interrupted')
      throw new VendorError(`${id}: the reply broke off in the middle`, { code: 'cut_stream', retryable: true });
    const calls = step.toolCalls.map(toToolCall);
    const spoken = step.response.messages[0];
    return {
      text: step.text,
      calls,
      ...(spoken?.role === 'assistant' && (step.text !== '' || calls.length > 0)
        ? { raw: toRaw(spoken.content, options.provider) }
        : {}),
      usage: {
        input: step.usage.inputTokenDetails.noCacheTokens ?? step.usage.inputTokens ?? 0,
        output: step.usage.outputTokens ?? 0,
        cacheRead: step.usage.inputTokenDetails.cacheReadTokens ?? 0,
        cacheWrite: step.usage.inputTokenDetails.cacheWriteTokens ?? 0,
      },
      finish: finishOf(step.finishReason, calls.length > 0),
    };
  }

  return {
    id,
    contextWindow: options.contextWindow,
    sees: options.sees,
    cost: options.cost,

    async complete(request, signal) {
      signal.throwIfAborted();
      try {
        return await ask(request, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw toVendorError(error, errorContext);
      }
    },

    async check() {
      const name = `model ${id}`;
      const variable = missing();
      if (variable !== null) {
        const remedy = `Set ${variable}, or choose another model.`;
        return [{ name, status: 'missing', message: `${variable} is not set`, remedy }];
      }
      try {
        loading ??= load();
        await loading;
        return [{ name, status: 'ok', message: `at ${baseUrl}` }];
      } catch (error) {
        return [{ name, status: 'missing', message: (error as Error).message, remedy: 'Run npm ci.' }];
      }
    },
  };
}

interface Loaded {
  sdk: typeof import('ai');
  model: LanguageModel;
}

function finishOf(reason: string, hasCalls: boolean): ModelReply['finish'] {
  switch (reason) {
    case 'tool-calls':
      return 'toolCalls';
    case 'stop':
      return hasCalls ? 'toolCalls' : 'stop'; // some compatible servers say "stop" after calls
    case 'length':
      return 'length';
    case 'content-filter':
      return 'refused';
    default:
      return 'other';
  }
}
