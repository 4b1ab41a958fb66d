import type { Signal } from './prompt.ts';

const words: Record<string, Signal> = { stop: 'stop', continue: 'continue' };

/**
 * Reads a control word. Only a message that is nothing else counts, alone or after the agent's name: "stop", "Stop!",
 * "@shipmate, stop". So "stop using tabs" is an instruction, and "@bob stop" is for Bob.
 */
export function readSignal(body: string, agent: string): Signal | null {
  let text = body.trim().toLowerCase();
  const mention = `@${agent.toLowerCase()}`;
  if (text.startsWith(mention)) {
    const rest = text.slice(mention.length);
    if (!/^[\s,:]/.test(rest)) return null;
    text = rest.replace(/^[\s,:]+/, '');
  }
  const word = text.replace(/[.!]+$/, '');
  return Object.hasOwn(words, word) ? (words[word] ?? null) : null;
}
