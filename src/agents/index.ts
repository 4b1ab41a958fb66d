import type { Agent } from './agent.ts';
import { type BuiltInAgentOptions, createBuiltInAgent } from './built-in/index.ts';

/** One line for each agent there is. */
export const agents = {
  'built-in': createBuiltInAgent,
};

export type AgentKind = keyof typeof agents;

export function createAgent(kind: string, options: BuiltInAgentOptions): Agent {
  if (Object.hasOwn(agents, kind)) return agents[kind as AgentKind](options);
  throw new Error(`There is no agent "${kind}". There is: ${Object.keys(agents).join(', ')}.`);
}
