import { grouped } from './cut-text.ts';
import { noTokens, type TokenUsage, totalTokens } from './message.ts';

/** null is no limit. */
export interface BudgetLimits {
  turns: number | null;
  tokens: number | null;
  usd: number | null;
  minutes: number | null;
}

export const unlimited: BudgetLimits = { turns: null, tokens: null, usd: null, minutes: null };

/** What is limited: one run, all runs of a ticket, and of a team, a standing order and everybody in one day (UTC). */
export type Scope = 'run' | 'ticket' | 'team' | 'order' | 'day';

/** As configured. Turns and minutes of many tickets side by side say little; tokens and money are what they cost. */
export interface Limits extends BudgetLimits {
  ticket: BudgetLimits;
  team: Pick<BudgetLimits, 'tokens' | 'usd'>;
  day: Pick<BudgetLimits, 'tokens' | 'usd'>;
}

export interface Used {
  turns: number;
  tokens: number;
  /** null: no model call had a price. */
  usd: number | null;
  /** Worked on, by a monotonic clock; verification does not count. */
  ms: number;
}

export const nothingUsed: Used = { turns: 0, tokens: 0, usd: null, ms: 0 };

export function addUsed(a: Used, b: Used): Used {
  return {
    turns: a.turns + b.turns,
    tokens: a.tokens + b.tokens,
    usd: a.usd === null && b.usd === null ? null : (a.usd ?? 0) + (b.usd ?? 0),
    ms: a.ms + b.ms,
  };
}

/** The most that one model call can use, set aside before it is made. It counts as one turn. */
export interface Reservation {
  tokens: number;
  /** 0 where the model has no price. */
  usd: number;
  /** What stays counted when the reply is lost; `usd` is null where the model has no price. */
  prompt: { model: string; tokens: number; usd: number | null };
}

/** How much of a limit is left. */
export interface Standing {
  scope: Scope;
  /** Which one, of a standing order. */
  name?: string;
  limits: BudgetLimits;
  used: Used;
  /** Set aside for calls of others that are under way; what they do not use comes back. */
  reserved: { turns: number; tokens: number; usd: number };
}

/** A model call that is about to be made. `promptTokens` must not be too low. */
export interface ModelCall {
  model: string;
  promptTokens: number;
  maxOutputTokens: number;
  cost(usage: TokenUsage): number | null;
}

export type Allowance =
  | { maxOutputTokens: number; reserve: Reservation }
  /** There will be room when calls of others have ended. */
  | 'later'
  | { exceeded: Exceeded };

/** Which limit was reached, and how to go on: for people. */
export interface Exceeded {
  blocks: string;
  options: string[];
}

/** What a run may still use. `allow` is asked before each model call. */
export interface Budget {
  allow(call: ModelCall): Allowance;
  /** The reservation was refused: how things stand. An empty list forgets that, so that the next one is tried in full. */
  refused(standings: Standing[]): void;
  spend(usage: TokenUsage, usd: number | null): void;
  /** By this run. */
  used(): Used;
  /** Whether the last call was not allowed, or the next would not be. */
  isSpent(): boolean;
}

/** A reply of fewer tokens is not worth its prompt. */
const leastOutput = 2_000;

export interface BudgetOptions {
  limits: BudgetLimits;
  /** By earlier attempts of this run, so that a crash buys nothing. */
  used?: Used;
  /** Milliseconds that the run has been worked on, earlier attempts included. */
  worked(): number;
  ticket?: { limits: BudgetLimits; before: Used };
}

export function createBudget({ limits, used: before = nothingUsed, worked, ticket }: BudgetOptions): Budget {
  let spent = before;
  let others: Standing[] = [];
  let isSpent = false;
  const used = () => ({ ...spent, ms: worked() });
  const inAll = () => addUsed(ticket?.before ?? nothingUsed, used());

  /** What this run knows by itself. Of a ticket only the time: the rest is shared, and reserved where all see it. */
  function own(): Standing[] {
    const minutes = ticket?.limits.minutes ?? null;
    return [
      { scope: 'run', limits, used: used(), reserved: none },
      { scope: 'ticket', limits: { ...unlimited, minutes }, used: inAll(), reserved: none },
    ];
  }

  return {
    allow(call) {
      const allowance = allowWithin([...own(), ...others], call);
      isSpent = typeof allowance === 'object' && 'exceeded' in allowance;
      if (typeof allowance === 'string' || !('exceeded' in allowance)) return allowance;
      return { exceeded: explain(allowance.exceeded) };
    },
    refused(standings) {
      others = standings;
    },
    spend(usage, usd) {
      others = [];
      spent = addUsed(spent, { turns: 1, tokens: totalTokens(usage), usd, ms: 0 });
    },
    used,
    isSpent: () => isSpent || own().some((standing) => reached(standing) !== null),
  };
}

const none = { turns: 0, tokens: 0, usd: 0 };

/** A limit that was reached. */
interface Reached {
  scope: Scope;
  kind: keyof BudgetLimits;
  standing: Standing;
}

/** The largest reply that fits everywhere, or what stands in its way. */
export function allowWithin(
  standings: readonly Standing[],
  call: ModelCall,
): Exclude<Allowance, { exceeded: Exceeded }> | { exceeded: Reached } {
  const least = Math.min(leastOutput, call.maxOutputTokens);
  let output = call.maxOutputTokens;
  let later = false;
  for (const standing of standings) {
    const { scope } = standing;
    const alone = roomIn({ ...standing, reserved: none }, call);
    if (alone.output < least) return { exceeded: { scope, kind: alone.kind, standing } };
    const room = roomIn(standing, call).output;
    if (room < least) later = true;
    output = Math.min(output, room);
  }
  if (later) return 'later';
  return { maxOutputTokens: output, reserve: worstCase(call, output) };
}

/** How long a reply may be, and which kind of limit says so. */
function roomIn({ limits, used, reserved }: Standing, call: ModelCall): { output: number; kind: keyof BudgetLimits } {
  const { turns, tokens, usd, minutes } = limits;
  if (turns !== null && used.turns + reserved.turns + 1 > turns) return { output: -1, kind: 'turns' };
  if (minutes !== null && used.ms >= minutes * 60_000) return { output: -1, kind: 'minutes' };
  const byTokens = tokens === null ? Infinity : tokens - used.tokens - reserved.tokens - call.promptTokens;
  const byMoney = usd === null ? Infinity : affordable(call, usd - (used.usd ?? 0) - reserved.usd);
  return byMoney < byTokens ? { output: byMoney, kind: 'usd' } : { output: byTokens, kind: 'tokens' };
}

/** The longest reply that `usd` pays for; below zero when not even the prompt is. */
function affordable(call: ModelCall, usd: number): number {
  const prompt = mostFor(call, 0) ?? 0;
  const each = (mostFor(call, 1_000_000) ?? 0) - prompt;
  if (prompt > usd) return -1;
  if (each <= 0) return Infinity;
  let output = Math.floor(((usd - prompt) / each) * 1_000_000) + 1; // the division may have come out a little short
  while ((mostFor(call, output) ?? 0) > usd) output -= 1;
  return output;
}

function worstCase(call: ModelCall, output: number): Reservation {
  const { model, promptTokens } = call;
  const prompt = { model, tokens: promptTokens, usd: mostFor(call, 0) };
  return { tokens: promptTokens + output, usd: mostFor(call, output) ?? 0, prompt };
}

/** Whatever of the prompt is read from the cache, written to it, or neither. Up to the next millionth of a dollar. */
function mostFor({ promptTokens, cost }: ModelCall, output: number): number | null {
  const ways = (['input', 'cacheRead', 'cacheWrite'] as const).map((kind) =>
    cost({ ...noTokens, [kind]: promptTokens, output }),
  );
  if (ways.every((usd) => usd === null)) return null;
  return Math.max(0, Math.ceil(Math.max(...ways.map((usd) => usd ?? 0)) * 1e6 - 1e-6)) / 1e6;
}

/** Whether there is nothing left at all, whatever the next call needs. */
function reached({ limits, used }: Standing): keyof BudgetLimits | null {
  if (limits.turns !== null && used.turns >= limits.turns) return 'turns';
  if (limits.tokens !== null && used.tokens >= limits.tokens) return 'tokens';
  if (limits.usd !== null && (used.usd ?? 0) >= limits.usd) return 'usd';
  return limits.minutes !== null && used.ms >= limits.minutes * 60_000 ? 'minutes' : null;
}

const whose: Record<Scope, string> = {
  run: 'This run has reached its limit',
  ticket: 'This ticket has reached its limit',
  team: 'Your team has reached its limit for today',
  order: 'The standing order that took this has reached its limit for today',
  day: "Today's limit for all tickets is reached",
};

/** What the ticket has cost stands below every closing activity. */
function explain({ scope, kind, standing }: Reached): Exceeded {
  const key =
    scope === 'order' ? `orders.${standing.name}.usdPerDay` : `budget.${scope === 'run' ? '' : `${scope}.`}${kind}`;
  const limit = standing.limits[kind] ?? 0;
  const amount = {
    turns: limit === 1 ? '1 turn' : `${limit} turns`,
    tokens: `${grouped(limit)} tokens`,
    usd: `$${limit}`,
    minutes: limit === 1 ? '1 minute' : `${limit} minutes`,
  };
  const near =
    scope === 'run' || reached(standing) !== null
      ? ''
      : ` ${describeUsed(standing.used)} so far: what is left is not enough for another model call.`;
  const raise = `Raise \`${key}\` in shipmate.yaml, restart Shipmate and say "continue"`;
  const later = ['Say "continue" tomorrow (UTC)', raise];
  const options: Record<Scope, string[]> = {
    run: ['Say "continue" to give it another run', `To give every run more, raise \`${key}\` in shipmate.yaml`],
    ticket: [raise, 'Split the ticket'],
    team: later,
    order: later,
    day: later,
  };
  return { blocks: `**${whose[scope]}** of ${amount[kind]} (\`${key}\`).${near}`, options: options[scope] };
}

/** "$0.42, 312k tokens, 14 turns, 3 min of work"; no money where no model had a price. */
export function describeUsed({ turns, tokens, usd, ms }: Used): string {
  const money = usd === null ? [] : [usd > 0 && usd < 0.005 ? 'under $0.01' : `$${usd.toFixed(2)}`];
  const time = ms < 59_500 ? `${Math.round(ms / 1000)} s of work` : `${Math.round(ms / 60_000)} min of work`;
  return [...money, `${short(tokens)} tokens`, `${turns} ${turns === 1 ? 'turn' : 'turns'}`, time].join(', ');
}

function short(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 999_500) return `${Math.round(count / 1_000)}k`;
  return `${(count / 1e6).toFixed(1).replace(/\.0$/, '')}M`;
}

/** A model call that does not fit a limit that others use, too. Nothing was begun. */
export class OverBudget extends Error {
  readonly standings: Standing[];
  constructor(standings: Standing[]) {
    super('a model call does not fit what is left of a limit');
    this.name = 'OverBudget';
    this.standings = standings;
  }
}
