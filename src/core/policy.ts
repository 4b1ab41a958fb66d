import type { Tool } from './tool.ts';

/** May this tool call be made? `reason` is what the model is told when not. */
export type Decision = { allow: true } | { allow: false; reason: string };

export interface ToolPolicy {
  /** Names of tools that the agent may not call. */
  deny: string[];
}

export function decideToolCall(
  name: string,
  tools: readonly Pick<Tool, 'name' | 'isHidden'>[],
  policy: ToolPolicy,
): Decision {
  if (policy.deny.includes(name))
    return { allow: false, reason: `The tool "${name}" is switched off here (policy.tools.deny).` };
  if (tools.some((tool) => tool.name === name)) return { allow: true };
  const named = tools.flatMap((tool) => (tool.isHidden ? [] : [tool.name]));
  return { allow: false, reason: `There is no tool "${name}". The tools are: ${named.join(', ')}.` };
}
