import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CutOptions, cutLog } from '../../../mcp-servers/log/cut-log.ts';
import { logSamples } from '../ci-logs/log-samples.ts';

const signal = new AbortController().signal;

async function* streamOf(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

/** As GitHub stores it: a time before each line, a mark at the very beginning, a line feed at the end. */
function stored(log: string, minute = '00'): string {
  return log.replace(/^/gm, `2026-01-31T12:${minute}:00.1234567Z `).concat('\n');
}

function cut(log: string, options: Partial<CutOptions> = {}) {
  return cutLog(streamOf(log), { signal, ...options });
}

const noise = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `installed package-${from + index}, ${'x'.repeat(60)}`).join('\n');

describe('the first error', () => {
  test.each(logSamples)('of $runner, deep in a long log', async ({ log, cause }) => {
    const coloured = log.replace(/^(.*\S.*)$/gm, '\x1b[31m$1\x1b[39m\x1b[0m');
    const { text, errorLine, complete } = await cut(stored([noise(900), coloured, noise(900)].join('\n')));
    expect(errorLine).toBe(901 + log.split('\n').indexOf(cause));
    expect(text).toContain(`\n${log}\n`); // all of it: it is short
    expect(text).toContain('installed package-899');
    expect(text).toMatch(/^\[\.\.\. lines 1-\d+ left out \.\.\.\]\n/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16_000);
    expect(complete).toBe(true);
  });

  test('one in the step that failed comes before a worse one elsewhere', async () => {
    const expected = stored('src/old.ts(1,1): error TS1005: tolerated.', '01');
    const real = stored('it broke\n##[error]Process completed with exit code 1.', '05');
    const log = [stored(noise(400)), expected, stored(noise(400), '04'), real, stored(noise(400), '07')].join('');
    const step = { startedAt: '2026-01-31T13:04:30+01:00', completedAt: '2026-01-31T12:06:00Z' };
    expect((await cut(log)).errorLine).toBe(401);
    const told = await cut(log, { step });
    expect(told.errorLine).toBe(803);
    expect(told.text).toContain('it broke');
    expect(await cut(log, { step, onlyStep: true })).toMatchObject({
      text: 'it broke\n##[error]Process completed with exit code 1.',
      errorLine: 803,
      lines: 1203,
    });
  });

  test('many failures: the first has most room, the others are there too', async () => {
    const failures = Array.from({ length: 3 }, (_, index) => ` FAIL  test/${index}.test.ts > works\n${noise(100)}`);
    const { text, errorLine } = await cut([noise(100), ...failures, noise(500)].join('\n'), { maxBytes: 12_000 });
    expect(errorLine).toBe(101);
    for (const index of [0, 1, 2]) expect(text).toContain(` FAIL  test/${index}.test.ts > works`);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(12_000);
  });

  test('none: how it begins and how it ends', async () => {
    const { text, errorLine } = await cut(noise(1000), { maxBytes: 4_000 });
    expect(errorLine).toBeNull();
    expect(text).toMatch(/^installed package-0,.*\n\[\.\.\. lines \d+-\d+ left out \.\.\.\]\n.*package-999, x+$/s);
  });
});

describe('a line', () => {
  test('loses its time, its colours, what was overwritten and what nobody sees', async () => {
    const log = `\ufeff2026-01-31T12:00:00.1234567Z \x1b[1;31mred\x1b[0m \x1b]8;;https://x\x07link\x1b]8;;\x1b\\\r\n 10%\r 99%\rdone\nad\u202eb\u200b\x00c\u{e0041}\ttab`;
    expect((await cut(log)).text).toBe('red link\ndone\nadbc\ttab');
  });

  test('of 1 MB is cut, and a secret that the cut would halve is hidden first', async () => {
    const log = `${'a '.repeat(245)}ghs_${'Ab1.'.repeat(130)}${'z'.repeat(1_000_000)}\nnext`;
    const { text } = await cut(log);
    expect(text).not.toContain('ghs_');
    expect(text.length).toBeLessThan(700);
    expect(text).toMatch(/a \[redacted\]( \[\.\.\. rest of the line left out\])?\nnext$/);
  });

  test('characters cut by the chunks of the stream are whole again', async () => {
    const bytes = Buffer.from('über 😀\nzwei');
    const parts = [...bytes].map((byte) => Uint8Array.of(byte));
    expect((await cutLog(streamOf(...parts), { signal })).text).toBe('über 😀\nzwei');
  });
});

describe('groups', () => {
  const log = [
    'before',
    '##[group]Run npm test',
    'npm test',
    'shell: /usr/bin/bash -e {0}',
    '##[endgroup]',
    '##[group]Set up',
    'one',
    'a.c:4:10: error: no',
    'two',
    '##[endgroup]',
    '##[group]Never ended',
    'last words',
  ].join('\n');

  test('are folded, but for one that holds an error or never ended', async () => {
    expect((await cut(log)).text).toBe(
      [
        'before',
        'Run npm test [folded: 3-4]',
        '##[group]Set up',
        'one',
        'a.c:4:10: error: no',
        'two',
        '##[endgroup]',
        '##[group]Never ended',
        'last words',
      ].join('\n'),
    );
  });

  test('are open where their lines are asked for', async () => {
    expect((await cut(log, { part: { from: 2, to: 4 } })).text).toBe(log.split('\n').slice(1, 4).join('\n'));
  });
});

test('the end alone, and lines by number, say what they leave out', async () => {
  const log = noise(500);
  const tail = await cut(log, { part: 'tail', maxBytes: 1_000 });
  expect(tail.text).toMatch(/^\[\.\.\. lines 1-491 left out \.\.\.\]\ninstalled package-491/);
  const range = await cut(log, { part: { from: 101, to: 400 }, maxBytes: 1_000 });
  expect(range.text).toMatch(/^installed package-100,.*\n\[\.\.\. lines 11\d-400 left out \.\.\.\]$/s);
});

test('an empty log is empty', async () => {
  expect(await cut('')).toEqual({ text: '', lines: 0, errorLine: null, complete: true });
});

test('whatever the log, the text is bounded and no line is there twice', async () => {
  const line = fc.oneof(
    fc.string({ maxLength: 80, unit: 'grapheme' }),
    fc.constantFrom(' FAIL  a.test.ts', '##[group]g', '##[endgroup]', '##[error]x', 'Error: y', '✖ z', 'exit code 1'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 300 }),
      fc.integer({ min: 500, max: 3_000 }),
      async (lines, maxBytes) => {
        const log = lines.map((text, index) => `${text.replace(/[\r\n]/g, ' ')} #${index}#`).join('\n');
        const { text } = await cut(log, { maxBytes });
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
        const marks = text.match(/#\d+#/g) ?? [];
        expect(marks).toEqual([...new Set(marks)].sort((a, b) => Number(a.slice(1, -1)) - Number(b.slice(1, -1))));
      },
    ),
    { numRuns: 60 },
  );
});

describe('a stream', () => {
  const block = Buffer.from(stored(noise(700)));

  test('of 200 MB is never held', async () => {
    const failure = Buffer.from(stored('--- FAIL: TestDeep (0.00s)\n    deep_test.go:14: got 8, want 9'));
    let most = 0;
    async function* flood() {
      for (let sent = 0; sent < 200e6; sent += block.length) {
        if (sent >= 100e6 && sent < 100e6 + block.length) yield failure;
        yield Buffer.from(block); // each its own, so that one that is kept is seen
        most = Math.max(most, process.memoryUsage.rss());
      }
    }
    const before = process.memoryUsage.rss();
    const { text, lines, complete } = await cutLog(flood(), { signal });
    expect(text).toContain('--- FAIL: TestDeep (0.00s)\n    deep_test.go:14: got 8, want 9\ninstalled package-0');
    expect({ complete, many: lines > 1_500_000 }).toEqual({ complete: true, many: true });
    expect(most - before).toBeLessThan(120e6);
  });

  test('that stands still ends in time, with what came, and is told', async () => {
    let told = false;
    const stalled: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        const chunks = [block, Buffer.from('--- FAIL: TestOne')];
        return {
          next: () => {
            const value = chunks.shift();
            return value ? Promise.resolve({ value, done: false }) : new Promise(() => {});
          },
          return: async () => {
            told = true;
            return { value: undefined, done: true };
          },
        };
      },
    };
    const { text, complete } = await cutLog(stalled, { signal, timeoutMs: 20 });
    expect(text).toMatch(/--- FAIL: TestOne$/);
    expect({ complete, told }).toEqual({ complete: false, told: true });
  });

  test('that nobody waits for any more ends at once', async () => {
    const stop = new AbortController();
    async function* endless() {
      yield block;
      stop.abort(new Error('stopped'));
      await new Promise(() => {});
    }
    await expect(cutLog(endless(), { signal: stop.signal })).rejects.toThrow('stopped');
    await expect(cutLog(streamOf('a'), { signal: stop.signal })).rejects.toThrow('stopped');
  });
});
