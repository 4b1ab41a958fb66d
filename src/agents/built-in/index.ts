import type { Model } from '../../models/model.ts';
import type { Agent } from '../agent.ts';
import { work } from './loop.ts';

export interface BuiltInAgentOptions {
  model: Model;
  /** Of one reply. Default 16,000. */
  maxOutputTokens?: number;
  /** How long one model call is tried again while the model is overloaded or out of reach. Default ten minutes. */
  retryForMs?: number;
}

/** The agent of our own: a loop over a model and tools, resumed from its journal exactly where it was. */
export function createBuiltInAgent(options: BuiltInAgentOptions): Agent {
  const { model, maxOutputTokens = 16_000, retryForMs = 600_000 } = options;
  return {
    kind: 'built-in',
    capabilities: { exactResume: true, steer: 'turn', reportsMoney: true },
    run: (context, signal) => work({ model, maxOutputTokens, retryForMs }, context, signal),
  };
}
