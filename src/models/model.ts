import type { Check } from '../core/check.ts';
import type { Message, TokenUsage, ToolCall } from '../core/message.ts';
import type { ToolSpec } from '../core/tool.ts';

/** A language model, asked one step at a time. It keeps nothing between calls. */
export interface Model {
  /** `provider:name`, as in the configuration. */
  readonly id: string;
  /** Tokens of context; old tool output is masked well before. */
  readonly contextWindow: number;
  /** Whether it can be shown images; they must not be sent to one that cannot. */
  readonly sees: boolean;
  /** USD for one call's tokens; null when the model has no known price. */
  cost(usage: TokenUsage): number | null;
  /**
   * One reply. Retries nothing: throws `VendorError` with `retryable` and `retryAfterMs` (`rate_limited`, `overloaded`,
   * `unavailable`, `cut_stream`, `unauthorized`, `spend_limit`, `invalid`, `context_overflow`). A reply with neither text nor calls is returned as it is.
   */
  complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply>;
  /** Whether it is configured (no request is made). Never throws. */
  check(): Promise<Check[]>;
}

export interface ModelRequest {
  system: string;
  tools: ToolSpec[];
  messages: Message[];
  maxOutputTokens: number;
}

export interface ModelReply {
  text: string;
  calls: ToolCall[];
  /** The vendor's own content, to be sent back verbatim. */
  raw?: unknown;
  usage: TokenUsage;
  finish: 'stop' | 'toolCalls' | 'length' | 'refused' | 'other';
}
