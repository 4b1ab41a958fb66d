import { setTimeout as delay } from 'node:timers/promises';
import type { AgentContext } from '../agent.ts';

/** Not all at the same moment, and not often: each look costs the database three statements. */
const waitMs = () => 2_000 + Math.random() * 3_000;
const tellEvery = 60;

/** What is left of a limit is set aside for calls of others, which mostly use less: waits a little, and has it tried again. */
export function createWaitForRoom({ budget, report }: AgentContext): (signal: AbortSignal) => Promise<void> {
  let waits = 0;
  return async (signal) => {
    const ms = waitMs();
    if (waits++ % tellEvery === 0)
      report({ kind: 'retry', waitMs: ms, reason: 'what is left of a limit is set aside for calls on other tickets' });
    await delay(ms, undefined, { signal });
    budget.refused([]);
  };
}
