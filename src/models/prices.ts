import type { TokenUsage } from '../core/message.ts';

/** USD per million tokens. `above` holds the rates of a request whose input is longer than `tokens`. */
export interface Price {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  above?: { tokens: number; input: number; output: number; cacheRead: number; cacheWrite: number };
}

/** What the configuration may say of a model (`models.prices`); fields left out keep their known value. */
export interface PriceOverride {
  input?: number | undefined;
  output?: number | undefined;
  cacheRead?: number | undefined;
  cacheWrite?: number | undefined;
  contextWindow?: number | undefined;
}

export interface ModelFacts {
  contextWindow: number;
  /** null: tokens are counted and no money is shown. */
  price: Price | null;
  /** Whether it can be shown images. */
  sees: boolean;
}

/** Vendors all of whose models see. Of others' models those of the table do; what nobody knows is not shown any. */
const seeing = ['anthropic', 'openai', 'gemini'];

/** Assumed of a model that is not in the table: smaller than any current one, so that old output is masked in time. */
const unknownContextWindow = 128_000;

type Rates = [input: number, output: number, cacheRead: number, cacheWrite: number];

/**
 * List prices of November 2026. Caching that a vendor does not charge for extra is written at the input price. OpenAI's
 * models take more than is stated here, at twice the price: the window ends where the higher rate begins.
 */
const table: Record<string, Omit<ModelFacts, 'sees'>> = {
  'claude-opus-5-5': facts(1_000_000, [4, 20, 0.2, 5]),
  'claude-opus-5': facts(1_000_000, [5, 25, 0.5, 6.25]),
  'claude-opus-4-8': facts(1_000_000, [5, 25, 0.5, 6.25]),
  'claude-sonnet-5-5': facts(1_000_000, [2, 10, 0.1, 2.5]),
  'claude-sonnet-5': facts(1_000_000, [2, 10, 0.2, 2.5]),
  'claude-sonnet-4-6': facts(1_000_000, [3, 15, 0.3, 3.75]),
  'claude-haiku-5-5': facts(1_000_000, [0.1, 0.5, 0.01, 0.125], 100_000, [0.5, 2.5, 0.05, 0.625]),
  'claude-haiku-4-5': facts(200_000, [1, 5, 0.1, 1.25]),
  'claude-fable-5-2': facts(1_000_000, [8, 40, 0.2, 10]),
  'claude-fable-5-1': facts(1_000_000, [10, 50, 0.25, 12.5]),
  'gpt-6.1-sol': facts(272_000, [2, 10, 0.1, 2.5]),
  'gpt-6.1-terra': facts(272_000, [1, 5, 0.05, 1.25]),
  'gpt-6-astra': facts(272_000, [10, 50, 1, 12.5]),
  'gpt-6-sol': facts(272_000, [2, 10, 0.2, 2.5]),
  'gpt-6-luna': facts(272_000, [0.1, 0.5, 0.01, 0.125]),
  'gpt-5.6-sol': facts(272_000, [4, 20, 0.4, 5]),
  'gpt-5.6-terra': facts(272_000, [2, 12, 0.2, 2.5]),
  'gpt-5.6-luna': facts(272_000, [0.2, 1.2, 0.02, 0.25]),
  'gpt-5.5': facts(272_000, [5, 30, 0.5, 5]),
  'gpt-5.4': facts(272_000, [2.5, 15, 0.25, 2.5]),
  'gemini-4-argon': facts(1_048_576, [2, 10, 0.1, 2]),
  'gemini-3.8-flash': facts(1_048_576, [0.75, 3.75, 0.075, 0.75]),
  'gemini-3.1-pro-preview': facts(1_048_576, [2, 12, 0.2, 2], 200_000, [4, 18, 0.4, 4]),
  'gemini-2.5-pro': facts(1_048_576, [1.25, 10, 0.125, 1.25], 200_000, [2.5, 15, 0.25, 2.5]),
  'gemini-2.5-flash': facts(1_048_576, [0.3, 2.5, 0.03, 0.3]),
};

function facts(contextWindow: number, rates: Rates, tokens?: number, above?: Rates): Omit<ModelFacts, 'sees'> {
  return {
    contextWindow,
    price: { ...named(rates), ...(tokens && above ? { above: { tokens, ...named(above) } } : {}) },
  };
}

function named([input, output, cacheRead, cacheWrite]: Rates) {
  return { input, output, cacheRead, cacheWrite };
}

/** What is known of `provider:name`. Overrides go by the whole spec or by the bare name, the spec first. */
export function findModelFacts(spec: string, overrides: Record<string, PriceOverride> = {}): ModelFacts {
  const name = spec.slice(spec.indexOf(':') + 1);
  const { contextWindow, ...rates } = overrides[spec] ?? overrides[name] ?? {};
  const known = table[name] ?? table[withoutDate(name)];
  return {
    contextWindow: contextWindow ?? known?.contextWindow ?? unknownContextWindow,
    price: Object.keys(rates).length === 0 ? (known?.price ?? null) : overriddenPrice(known?.price ?? null, rates),
    sees: known?.price !== undefined || seeing.includes(spec.slice(0, spec.indexOf(':'))),
  };
}

/** A price of the team's own holds for requests of any length. */
function overriddenPrice(known: Price | null, rates: PriceOverride): Price | null {
  const input = rates.input ?? known?.input;
  const output = rates.output ?? known?.output;
  if (input === undefined || output === undefined) return null;
  return {
    input,
    output,
    cacheRead: rates.cacheRead ?? known?.cacheRead ?? input,
    cacheWrite: rates.cacheWrite ?? known?.cacheWrite ?? input,
  };
}

/** `claude-haiku-4-5-20251001` and `gpt-5.5-2026-04-23` cost what their undated names cost. */
function withoutDate(name: string): string {
  return name.replace(/-\d{4}-?\d{2}-?\d{2}$/, '');
}

/** USD for one call. */
export function costOf(price: Price | null, usage: TokenUsage): number | null {
  if (price === null) return null;
  const inputTokens = usage.input + usage.cacheRead + usage.cacheWrite;
  const rates = price.above && inputTokens > price.above.tokens ? price.above : price;
  const microUsd =
    usage.input * rates.input +
    usage.output * rates.output +
    usage.cacheRead * rates.cacheRead +
    usage.cacheWrite * rates.cacheWrite;
  return microUsd / 1_000_000;
}
