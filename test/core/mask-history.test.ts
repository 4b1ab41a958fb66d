import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Turn, writeMessages } from '../../src/core/conversation.ts';
import type { Message } from '../../src/core/message.ts';

const brief = { system: 'system', request: 'request' };
const next = { said: null, overflowed: false };

function turn(length: number, index = 0, calls = 1): Turn {
  return {
    runId: 'run',
    key: `turn:${index}`,
    said: null,
    reply: {
      text: '',
      calls: Array.from({ length: calls }, (_, at) => ({ id: `${index}-${at}`, name: 'read', input: {} })),
      finish: 'toolCalls',
    },
    results: Array.from({ length: calls }, () => ({ text: 'x'.repeat(length), isError: false })),
  };
}

const outputs = (messages: Message[]) =>
  messages.flatMap((message) => (message.role === 'tool' ? message.replies.map((reply) => reply.text) : []));
const isMasked = (text: string) => text.startsWith('[output masked: ');
const maskedIn = (messages: Message[]) => outputs(messages).filter(isMasked).length;

test('a short history is shown whole', () => {
  const turns = [turn(1_000, 0), turn(2_000, 1)];
  expect(maskedIn(writeMessages(brief, turns, next, 200_000))).toBe(0);
});

test('what is masked says how much there was; short output stays', () => {
  const turns = [turn(12_345, 0), turn(400, 1), ...Array.from({ length: 6 }, (_, index) => turn(12_345, index + 2))];
  const shown = outputs(writeMessages(brief, turns, next, 30_000));
  expect(shown.map((text) => text.slice(0, 20))).toEqual([
    '[output masked: 12,3',
    'x'.repeat(20),
    '[output masked: 12,3',
    ...Array.from({ length: 5 }, () => 'x'.repeat(20)),
  ]);
  expect(shown[0]).toBe('[output masked: 12,345 characters; run it again if needed]');
});

test('over a long run it masks in few batches, and between them each request begins with the one before', () => {
  const turns: Turn[] = [];
  let before = JSON.stringify(writeMessages(brief, turns, next, 100_000));
  let breaks = 0;
  for (let index = 0; index < 300; index++) {
    turns.push(turn(8_000, index));
    const messages = writeMessages(brief, turns, next, 100_000);
    const json = JSON.stringify(messages);
    if (!json.startsWith(before.slice(0, -1))) breaks += 1;
    before = json;
    expect(outputs(messages).slice(-5).some(isMasked)).toBe(false);
    expect(json.length / 3.5).toBeLessThan(0.7 * 100_000);
  }
  // 2,286 tokens a turn: about 13 turns bring it from 30 % to 60 %.
  expect(breaks).toBeGreaterThan(10);
  expect(breaks).toBeLessThan(40);
});

test('whatever the sizes: masks never come off, never hide the latest turn, and a later look gives the same answer', () => {
  const sizes = fc.array(
    fc.record({ length: fc.nat(40_000), calls: fc.integer({ min: 1, max: 4 }), overflowed: fc.boolean() }),
    {
      maxLength: 40,
    },
  );
  fc.assert(
    fc.property(sizes, fc.integer({ min: 8_000, max: 100_000 }), (drawn, contextWindow) => {
      const turns: Turn[] = [];
      let masked = 0;
      for (const [index, { length, calls, overflowed }] of drawn.entries()) {
        if (overflowed) {
          const plain = maskedIn(writeMessages(brief, turns, next, contextWindow));
          expect(maskedIn(writeMessages(brief, turns, { ...next, overflowed }, contextWindow))).toBeGreaterThanOrEqual(
            plain,
          );
        }
        turns.push({ ...turn(length, index, calls), overflowed });
        const messages = writeMessages(brief, turns, next, contextWindow);
        const now = maskedIn(messages);
        expect(now).toBeGreaterThanOrEqual(masked);
        masked = now;
        expect(outputs(messages).slice(-calls).some(isMasked)).toBe(false);
        // From the journal of another process: equal objects, not the same ones.
        expect(writeMessages(brief, structuredClone(turns), next, contextWindow)).toEqual(messages);
      }
    }),
    { numRuns: 100 },
  );
});

test('standing instructions are told once, in the first place, and survive the mask', () => {
  const instructions = [{ path: 'pkg/AGENTS.md', text: 'Use tabs.' }];
  const told = turn(12_000, 0, 2);
  told.results = told.results.map((result) => result && { ...result, instructions });
  const turns = [told, ...Array.from({ length: 8 }, (_, index) => turn(12_000, index + 1))];
  const shown = outputs(writeMessages(brief, turns, next, 30_000));
  expect(shown.slice(0, 2)).toEqual([
    '[output masked: 12,000 characters; run it again if needed]\n\n# pkg/AGENTS.md\n\nUse tabs.',
    '[output masked: 12,000 characters; run it again if needed]',
  ]);
});
