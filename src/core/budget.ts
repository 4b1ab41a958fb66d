import type { TokenUsage } from './message.ts';
import { totalTokens } from './message.ts';

/** Limits of one run; null is no limit. */
export interface BudgetLimits {
  turns: number | null;
  tokens: number | null;
  usd: number | null;
  minutes: number | null;
}

export interface Spent {
  turns: number;
  tokens: TokenUsage;
  usd: number | null;
  startedAt: number;
}

/** What a run has left. `check` is asked before each model call. */
export interface Budget {
  /** null while there is something left, else which limit was reached and what to do. */
  check(now: number): string | null;
  spend(usage: TokenUsage, usd: number | null): void;
}

/** `spent` counts what earlier attempts used, so that a crash buys nothing. */
export function createBudget(limits: BudgetLimits, spent: Spent): Budget {
  let { turns, usd } = spent;
  let tokens = totalTokens(spent.tokens);
  return {
    check(now) {
      if (limits.turns !== null && turns >= limits.turns) return reached('turns', `${limits.turns} turns`);
      if (limits.tokens !== null && tokens >= limits.tokens) return reached('tokens', `${limits.tokens} tokens`);
      if (limits.usd !== null && usd !== null && usd >= limits.usd) return reached('usd', `$${limits.usd}`);
      if (limits.minutes !== null && now - spent.startedAt >= limits.minutes * 60_000)
        return reached('minutes', `${limits.minutes} minutes`);
      return null;
    },
    spend(usage, cost) {
      turns += 1;
      tokens += totalTokens(usage);
      if (cost !== null) usd = (usd ?? 0) + cost;
    },
  };
}

function reached(key: keyof BudgetLimits, limit: string): string {
  return `The run reached its limit of ${limit} (budget.${key}). Raise it in shipmate.yaml, or split the ticket, and say "continue".`;
}
