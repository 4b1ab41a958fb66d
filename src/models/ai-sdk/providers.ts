import type { LanguageModel } from 'ai';
import { deterministicId } from '../../lib/ids.ts';
import type { ModelRequest } from '../model.ts';

export type AiSdkProviderName = 'anthropic' | 'openai' | 'openai-compatible' | 'gemini';

export interface Endpoint {
  /** The model's name at the vendor. */
  name: string;
  apiKey: string | null;
  /** null: the vendor's own. */
  baseUrl: string | null;
}

type VendorOptions = Record<string, Record<string, Json>>;
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What differs between vendors. Everything is passed here, because the packages fall back to the environment otherwise. */
export interface AiSdkProvider {
  /** Environment variable that carries the key, for messages. */
  keyName: string;
  keyNeeded: boolean;
  defaultBaseUrl: string | null;
  connect(endpoint: Endpoint & { baseUrl: string }): Promise<LanguageModel>;
  /** Options of one request. */
  options(name: string, request: ModelRequest): VendorOptions;
  /** Put on the last tool, the system prompt and the last message: the prefix up to there is cached. */
  cacheMark?: VendorOptions;
  /** Vendors without a mark for a failed tool call get its text as it is. */
  marksToolErrors?: true;
  /** OpenAI's Responses API makes every property of a tool required unless told not to. */
  strictTools?: false;
}

export const aiSdkProviders: Record<AiSdkProviderName, AiSdkProvider> = {
  anthropic: {
    keyName: 'ANTHROPIC_API_KEY',
    keyNeeded: true,
    defaultBaseUrl: 'https://api.anthropic.com',
    async connect({ name, apiKey, baseUrl }) {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      // The vendor's own clients take the address without the version, this package takes it with.
      const baseURL = /\/v\d+\/?$/.test(baseUrl) ? baseUrl : `${baseUrl.replace(/\/$/, '')}/v1`;
      return createAnthropic({ apiKey: apiKey ?? '', baseURL })(name);
    },
    options: (name) => ({
      anthropic: {
        // Nobody watches arguments arrive, and streaming them early gives up the vendor's check that they are JSON.
        toolStreaming: false,
        // These models refuse (400) a history that was changed before their thinking, which masking old output does.
        ...(bindsThinking.test(name) ? { thinking: { blockBinding: { prefixMismatchBehavior: 'drop_block' } } } : {}),
      },
    }),
    cacheMark: { anthropic: { cacheControl: { type: 'ephemeral' } } },
    marksToolErrors: true,
  },

  openai: {
    keyName: 'OPENAI_API_KEY',
    keyNeeded: true,
    defaultBaseUrl: 'https://api.openai.com/v1',
    async connect({ name, apiKey, baseUrl }) {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI({ apiKey: apiKey ?? '', baseURL: baseUrl }).responses(name);
    },
    // Nothing is kept at the vendor: reasoning comes back encrypted and is sent again. The cache key keeps the requests
    // of one session on one machine, where its prefix is cached.
    options: (_name, { system, messages: [first] }) => ({
      openai: { store: false, promptCacheKey: deterministicId(system, first?.role === 'user' ? first.text : '') },
    }),
    strictTools: false,
  },

  'openai-compatible': {
    keyName: 'OPENAI_API_KEY',
    keyNeeded: false,
    defaultBaseUrl: null,
    async connect({ name, apiKey, baseUrl }) {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      const settings = { name: 'compatible', baseURL: baseUrl, includeUsage: true };
      return createOpenAICompatible({ ...settings, ...(apiKey ? { apiKey } : {}) }).chatModel(name);
    },
    options: () => ({}),
  },

  gemini: {
    keyName: 'GEMINI_API_KEY',
    keyNeeded: true,
    defaultBaseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    async connect({ name, apiKey, baseUrl }) {
      const { createGoogle } = await import('@ai-sdk/google');
      return createGoogle({ apiKey: apiKey ?? '', baseURL: baseUrl })(name);
    },
    options: () => ({}),
    marksToolErrors: true,
  },
};

const bindsThinking = /claude-(opus-5-5|sonnet-5-5|fable-5-[12])/;
