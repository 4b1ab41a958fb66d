import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Allowance,
  allowWithin,
  createBudget,
  describeUsed,
  type Exceeded,
  type ModelCall,
  nothingUsed,
  type Reservation,
  type Standing,
  unlimited,
} from '../../src/core/budget.ts';
import { noTokens, type TokenUsage } from '../../src/core/message.ts';

const price = { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 };
const cost = (usage: TokenUsage) =>
  (usage.input * price.input +
    usage.output * price.output +
    usage.cacheRead * price.cacheRead +
    usage.cacheWrite * price.cacheWrite) /
  1e6;
const call = (promptTokens: number, maxOutputTokens = 16_000): ModelCall => ({
  model: 'm',
  promptTokens,
  maxOutputTokens,
  cost,
});
const micro = (usd: number) => Math.round(usd * 1e6);

function granted(allowance: Allowance | ReturnType<typeof allowWithin>) {
  if (typeof allowance === 'string' || 'exceeded' in allowance) throw new Error(JSON.stringify(allowance));
  return allowance;
}

/** A limit that several runs share, as the database keeps it: it refuses what does not fit, and counts in whole micro-dollars. */
function createAccount(limits: { tokens: number | null; usd: number | null }) {
  const spent = { tokens: 0, usd: 0 };
  const open = new Map<number, { tokens: number; usd: number }>();
  const sum = (kind: 'tokens' | 'usd', but?: number) =>
    [...open].reduce((total, [id, each]) => (id === but ? total : total + each[kind]), 0);
  const fits = () =>
    (limits.tokens === null || spent.tokens + sum('tokens') <= limits.tokens) &&
    (limits.usd === null || spent.usd + sum('usd') <= micro(limits.usd));
  return {
    fits,
    reserve(run: number, { tokens, usd }: Reservation): boolean {
      const before = open.get(run);
      open.set(run, { tokens, usd: micro(usd) });
      if (fits()) return true;
      if (before) open.set(run, before);
      else open.delete(run);
      return false;
    },
    settle(run: number, usage: TokenUsage): void {
      open.delete(run);
      spent.tokens += usage.input + usage.output;
      spent.usd += micro(cost(usage));
    },
    end: (run: number) => open.delete(run),
    standing: (run: number): Standing => ({
      scope: 'day',
      limits: { ...unlimited, ...limits },
      used: { ...nothingUsed, tokens: spent.tokens, usd: spent.usd / 1e6 },
      reserved: { turns: 0, tokens: sum('tokens', run), usd: sum('usd', run) / 1e6 },
    }),
    isOpen: (run: number) => open.has(run),
  };
}

describe('a limit that runs share', () => {
  const runs = 6;
  const step = fc.record({
    run: fc.nat(runs - 1),
    does: fc.constantFrom('call', 'call', 'settle', 'settle', 'crash', 'end'),
    prompt: fc.integer({ min: 1, max: 60_000 }),
    output: fc.integer({ min: 1, max: 16_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test('is never passed, whatever is set aside, settled, broken off and ended in whatever order', () => {
    const limits = fc.record({
      tokens: fc.option(fc.integer({ min: 1, max: 400_000 })),
      usd: fc.option(fc.integer({ min: 1, max: 2_000_000 }).map((amount) => amount / 1e6)),
    });
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 80 }), (limits, steps) => {
        const account = createAccount(limits);
        const made = new Map<number, { prompt: number; maxOutputTokens: number }>();
        for (const { run, does, prompt, output, share } of steps) {
          const open = made.get(run);
          if (does === 'call' && !open) {
            const allowed = allowWithin([account.standing(run)], call(prompt, output));
            if (allowed === 'later' || 'exceeded' in allowed) continue;
            expect(allowed.maxOutputTokens).toBeLessThanOrEqual(output);
            // What the arithmetic allows, the database takes: a refusal would be asked for again for ever.
            expect(account.reserve(run, allowed.reserve)).toBe(true);
            made.set(run, { prompt, maxOutputTokens: allowed.maxOutputTokens });
          }
          if (does === 'settle' && open) {
            const usage = { ...noTokens, input: open.prompt, output: Math.floor(open.maxOutputTokens * share) };
            account.settle(run, usage);
            made.delete(run);
          }
          if (does === 'crash') made.delete(run); // the reservation stays until the next attempt replaces it
          if (does === 'end') {
            made.delete(run);
            account.end(run);
          }
          expect(account.fits()).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('the longest reply that fits is allowed, and one token more would not fit', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 900_000 }), (prompt, left) => {
        const standing = { ...createAccount({ tokens: null, usd: left / 1e6 }).standing(0) };
        const allowed = allowWithin([standing], call(prompt));
        if (allowed === 'later') throw new Error('nobody else is there');
        if ('exceeded' in allowed) {
          expect(micro(cost({ ...noTokens, cacheWrite: prompt, output: 2_000 }))).toBeGreaterThan(left - 1);
          return;
        }
        expect(micro(allowed.reserve.usd)).toBeLessThanOrEqual(left);
        const more = cost({ ...noTokens, cacheWrite: prompt, output: allowed.maxOutputTokens + 1 });
        if (allowed.maxOutputTokens < 16_000) expect(Math.ceil(more * 1e6 - 1e-6)).toBeGreaterThan(left);
      }),
      { numRuns: 2_000 },
    );
  });

  test('what others have set aside is waited for; what is spent is not', () => {
    const standing = (used: number, reserved: number): Standing => ({
      scope: 'day',
      limits: { ...unlimited, usd: 1 },
      used: { ...nothingUsed, usd: used },
      reserved: { turns: 1, tokens: 0, usd: reserved },
    });
    expect(allowWithin([standing(0.2, 0.79)], call(10_000))).toBe('later');
    expect(allowWithin([standing(0.99, 0)], call(10_000))).toMatchObject({ exceeded: { scope: 'day', kind: 'usd' } });
    expect(granted(allowWithin([standing(0.2, 0.7)], call(10_000))).maxOutputTokens).toBe(7_500);
  });
});

describe('one run', () => {
  test('without a price only tokens count, and money is no limit', () => {
    const budget = createBudget({ limits: { ...unlimited, tokens: 50_000, usd: 0.01 }, worked: () => 0 });
    const free = { model: 'm', promptTokens: 10_000, maxOutputTokens: 16_000, cost: () => null };
    expect(granted(budget.allow(free))).toEqual({
      maxOutputTokens: 16_000,
      reserve: { tokens: 26_000, usd: 0, prompt: { model: 'm', tokens: 10_000, usd: null } },
    });
    budget.spend({ ...noTokens, input: 10_000, output: 16_000 }, null);
    expect(granted(budget.allow(free)).maxOutputTokens).toBe(14_000);
    budget.spend({ ...noTokens, input: 10_000, output: 14_000 }, null);
    expect(budget.isSpent()).toBe(true);
    expect(budget.allow(free)).toEqual({
      exceeded: {
        blocks: '**This run has reached its limit** of 50,000 tokens (`budget.tokens`).',
        options: [
          'Say "continue" to give it another run',
          'To give every run more, raise `budget.tokens` in shipmate.yaml',
        ],
      },
    });
  });

  test('its time is what its clock says, and a ticket has the time of all its runs', () => {
    let ms = 0;
    const before = { turns: 3, tokens: 1_000, usd: 0.5, ms: 100 * 60_000 };
    const ticket = { limits: { ...unlimited, minutes: 120 }, before };
    const budget = createBudget({ limits: { ...unlimited, minutes: 60 }, worked: () => ms, ticket });
    ms = 19 * 60_000;
    granted(budget.allow(call(1_000)));
    expect(budget.isSpent()).toBe(false);
    ms = 20 * 60_000;
    expect(budget.allow(call(1_000))).toEqual({
      exceeded: {
        blocks: '**This ticket has reached its limit** of 120 minutes (`budget.ticket.minutes`).',
        options: [
          'Raise `budget.ticket.minutes` in shipmate.yaml, restart Shipmate and say "continue"',
          'Split the ticket',
        ],
      },
    });
    expect(budget.isSpent()).toBe(true);
  });

  test('a refusal says which limit and what it takes to go on, until it is forgotten', () => {
    const budget = createBudget({ limits: unlimited, worked: () => 0 });
    const used = { turns: 900, tokens: 2_000_000, usd: 99.995, ms: 0 };
    const reserved = { turns: 0, tokens: 0, usd: 0 };
    budget.refused([{ scope: 'day', limits: { ...unlimited, usd: 100 }, used, reserved }]);
    const { exceeded } = budget.allow(call(10_000)) as { exceeded: Exceeded };
    expect(exceeded.blocks).toContain("**Today's limit for all tickets is reached** of $100 (`budget.day.usd`).");
    expect(exceeded.blocks).toContain('what is left is not enough for another model call');
    expect(exceeded.options).toEqual([
      'Say "continue" tomorrow (UTC)',
      'Raise `budget.day.usd` in shipmate.yaml, restart Shipmate and say "continue"',
    ]);
    budget.refused([{ scope: 'order', name: 'bugs', limits: { ...unlimited, usd: 100 }, used, reserved }]);
    expect((budget.allow(call(10_000)) as { exceeded: Exceeded }).exceeded).toEqual({
      blocks: expect.stringMatching(
        /^\*\*The standing order .* for today\*\* of \$100 \(`orders\.bugs\.usdPerDay`\)\./,
      ),
      options: expect.arrayContaining(['Say "continue" tomorrow (UTC)']),
    });
    budget.refused([]);
    granted(budget.allow(call(10_000)));
  });
});

test.each([
  [{ turns: 14, tokens: 312_400, usd: 0.418, ms: 190_000 }, '$0.42, 312k tokens, 14 turns, 3 min of work'],
  [{ turns: 1, tokens: 999, usd: null, ms: 41_200 }, '999 tokens, 1 turn, 41 s of work'],
  [{ turns: 2, tokens: 1_250_000, usd: 0.001, ms: 59_600 }, 'under $0.01, 1.3M tokens, 2 turns, 1 min of work'],
])('%j is told as "%s"', (used, said) => {
  expect(describeUsed(used)).toBe(said);
});
