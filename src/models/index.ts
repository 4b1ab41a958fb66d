import { VendorError } from '../core/vendor-error.ts';
import { createAiSdkModel } from './ai-sdk/index.ts';
import type { AiSdkProviderName } from './ai-sdk/providers.ts';
import type { Model } from './model.ts';
import { costOf, findModelFacts, type PriceOverride } from './prices.ts';
import { createScriptedModel } from './scripted/index.ts';

export interface ModelKeys {
  anthropic?: string | undefined;
  openai?: string | undefined;
  gemini?: string | undefined;
}

/** Addresses of other servers that speak a vendor's format. */
export interface ModelBaseUrls {
  anthropic?: string | undefined;
  openai?: string | undefined;
  gemini?: string | undefined;
}

export interface ModelOptions {
  keys: ModelKeys;
  baseUrls: ModelBaseUrls;
  /** By spec or by name. */
  prices?: Record<string, PriceOverride>;
}

/** One line per provider: what stands before the colon in `provider:name`. */
const providers: Record<string, (name: string, options: ModelOptions) => Model> = {
  anthropic: (name, options) => vendorModel('anthropic', 'anthropic', name, options),
  openai: (name, options) => vendorModel('openai', 'openai', name, options),
  'openai-compatible': (name, options) => vendorModel('openai-compatible', 'openai', name, options),
  gemini: (name, options) => vendorModel('gemini', 'gemini', name, options),
  scripted: (file) => createScriptedModel({ file, costOf }),
};

/**
 * The model that a spec names: `anthropic:claude-opus-5-5`, `openai:gpt-6.1-sol` (Responses API),
 * `openai-compatible:qwen3-coder` (Chat Completions at OPENAI_BASE_URL), `gemini:gemini-4-argon`, `scripted:demo.yaml`.
 * Throws on a spec that names none. What is missing to use it shows in `check()` and fails each call.
 */
export function createModel(spec: string, options: ModelOptions): Model {
  const colon = spec.indexOf(':');
  const create = Object.hasOwn(providers, spec.slice(0, colon)) ? providers[spec.slice(0, colon)] : undefined;
  const name = spec.slice(colon + 1);
  if (colon > 0 && name !== '' && create) return create(name, options);
  const known = Object.keys(providers).map((provider) => `${provider}:<${provider === 'scripted' ? 'file' : 'name'}>`);
  throw new VendorError(`There is no model "${spec}". A model is one of ${known.join(', ')}.`, {
    code: 'invalid',
    retryable: false,
  });
}

/**
 * The model for a configuration that names none, from the keys there are: Anthropic, then OpenAI, then Gemini; null without
 * any. An OPENAI_BASE_URL that is not OpenAI's own means a compatible server: Chat Completions, which all of them speak,
 * and a key is optional. Such a server has model names of its own, so the configuration should name one.
 */
export function chooseModel(keys: ModelKeys, baseUrls: ModelBaseUrls): string | null {
  if (keys.anthropic) return 'anthropic:claude-sonnet-5-5';
  if (baseUrls.openai && !/^https:\/\/api\.openai\.com(\/|$)/.test(baseUrls.openai))
    return 'openai-compatible:gpt-6.1-sol';
  if (keys.openai) return 'openai:gpt-6.1-sol';
  if (keys.gemini) return 'gemini:gemini-4-argon';
  return null;
}

function vendorModel(provider: AiSdkProviderName, vendor: keyof ModelKeys, name: string, options: ModelOptions): Model {
  const { price, contextWindow, sees } = findModelFacts(`${provider}:${name}`, options.prices);
  return createAiSdkModel({
    provider,
    name,
    apiKey: options.keys[vendor] || null,
    baseUrl: options.baseUrls[vendor] || null,
    contextWindow,
    sees,
    cost: (usage) => costOf(price, usage),
  });
}
