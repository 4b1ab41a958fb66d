/**
 * What a model is sent and what it answers, independent of a vendor's wire format. Plain JSON throughout, because the
 * journal stores it and a resumed run sends it again byte for byte.
 */
export interface ToolCall {
  id: string;
  name: string;
  /** Parsed arguments; when the model wrote something that is not JSON, `invalid` says what and `input` is the raw text. */
  input: unknown;
  invalid?: string;
}

export interface ToolReply {
  callId: string;
  name: string;
  text: string;
  isError: boolean;
}

/** A picture that a model is shown. */
export interface Image {
  mediaType: string;
  /** base64. */
  data: string;
}

/** What one image comes to at most, whatever its size and whoever counts. */
export const imageTokens = 5_000;

export type Message =
  | { role: 'user'; text: string; images?: Image[] }
  /** `raw` is the vendor's own content, stored and returned verbatim (reasoning signatures, provider parts). */
  | { role: 'assistant'; text: string; calls: ToolCall[]; raw?: unknown }
  | { role: 'tool'; replies: ToolReply[] };

/** Tokens by kind. `input` counts what was neither read from nor written to a cache. */
export interface TokenUsage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export const noTokens: TokenUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

export function addTokens(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
  };
}

export function totalTokens(usage: TokenUsage): number {
  return usage.input + usage.output + usage.cacheRead + usage.cacheWrite;
}
