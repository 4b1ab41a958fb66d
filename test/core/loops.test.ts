import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Turn } from '../../src/core/conversation.ts';
import { interruptedText, notReachedText } from '../../src/core/interruption.ts';
import { judgeLoop } from '../../src/core/loops.ts';
import { bash, type Did, edit, productiveTraces, read, turnOf } from './traces.ts';

/** After how many turns it says something; null: it never does. A turn that was told carries that on, as the journal does. */
function play(turns: Turn[]): { told: number | null; stopped: number | null; note: string; message: string } {
  const seen: Turn[] = [];
  let told: number | null = null;
  let stopped: number | null = null;
  let note = '';
  let message = '';
  let warned = false;
  for (const turn of turns) {
    seen.push(warned ? { ...turn, warned: true } : turn);
    const judged = judgeLoop(seen);
    warned = judged.note !== undefined;
    if (judged.note !== undefined) {
      told ??= seen.length;
      note = judged.note;
    }
    if (judged.outcome) {
      stopped = seen.length;
      message = judged.outcome.message;
      break;
    }
  }
  return { told, stopped, note, message };
}

const repeat = (count: number, make: (n: number) => Did) => Array.from({ length: count }, (_, n) => turnOf([make(n)]));

describe('an agent that goes in circles is told once, and stopped the second time', () => {
  test.each<[string, (n: number) => Did, number, number]>([
    ['the same call', (n) => bash('curl localhost', `exit 0 in 1.0 s\n${n}`), 5, 10],
    ['the same call and result', () => bash('ls', 'exit 0 in 0.0 s\na b'), 4, 8],
    [
      'a result that differs in its times only',
      (n) => bash('npm test', `exit 0 in ${n}.1 s\n(${n * 3} ms) at 12:0${n % 10}:11`),
      4,
      8,
    ],
    ['varied whitespace', (n) => bash(`ls${' '.repeat(n + 1)}-la${n % 2 ? '\n' : ''}`, 'exit 0 in 0.0 s\na'), 4, 8],
    ['another order of keys', (n) => ['find', n % 2 ? { a: 1, b: 'x' } : { b: 'x', a: 1 }, 'found'], 4, 8],
    [
      'the same error of other calls',
      (n) => bash(`foo --try ${n}`, 'exit 127 in 0.0 s\nbash: foo: command not found', true),
      3,
      6,
    ],
    ['the same failing exit of one call', () => bash('false', 'exit 1 in 0.0 s', true), 3, 6],
    ['two calls in turns', (n) => (n % 2 ? edit('a', 'x', 'y') : edit('a', 'y', 'x')), 6, 12],
    [
      'two errors in turns, with other arguments each time',
      (n) => ['edit', { path: `p${n}` }, n % 2 ? 'no such text' : 'no such file', true],
      6,
      12,
    ],
    [
      'two calls in turns whatever comes of them',
      (n) => bash(n % 2 ? 'date' : 'uptime', `exit 0 in 0.0 s\n${n}`),
      12,
      24,
    ],
    ['reading on and on', (n) => read(`src/${n}.ts`), 25, 50],
    ['commands that check nothing', (n) => bash(`echo ${n}`, `exit 0 in 0.0 s\n${n}`), 25, 50],
    [
      'a plan that is all that changes',
      (n) => ['update_plan', { steps: [{ content: String(n), status: 'pending' }] }, 'The plan is shown.'],
      25,
      50,
    ],
    [
      'the same test result over different edits of nothing',
      (n) => (n % 3 ? read(`${n}`) : bash('npm test', `exit 1 in ${n}.0 s\n1 failed`, true)),
      26,
      51,
    ],
  ])('%s', (_, make, told, stopped) => {
    expect(play(repeat(80, make))).toMatchObject({ told, stopped });
  });

  test('a plan update in between hides nothing', () => {
    const turns = repeat(40, (n) =>
      n % 2
        ? ['update_plan', { steps: [{ content: String(n), status: 'pending' }] }, 'shown']
        : bash('ls', 'exit 0 in 0.0 s'),
    );
    expect(play(turns)).toMatchObject({ told: 7, stopped: 15 });
  });

  test('calls of one reply count as those of several', () => {
    expect(judgeLoop([turnOf(Array.from({ length: 4 }, () => read('a')))]).note).toContain(
      '`read: a` was called 4 times',
    );
  });

  test('what was heard begins the count anew, and takes the warning away', () => {
    const ls = bash('ls', 'exit 0 in 0.0 s\na');
    const row = (count: number) => repeat(count, () => ls);
    const heard = turnOf([ls], { heard: true });
    expect(play([...row(3), heard, ...row(2)])).toMatchObject({ told: null });
    expect(play([...row(6), heard, ...row(3)])).toMatchObject({ told: 4, stopped: null });
    expect(play([...row(6), heard, ...row(8)])).toMatchObject({ told: 4, stopped: 14 });
  });

  test('what a crash of ours broke off is not held against it', () => {
    const turns = repeat(12, () => bash('npm run build', interruptedText, true));
    expect(play(turns)).toMatchObject({ told: null });
    const notReached = turnOf(Array.from({ length: 5 }, () => bash('npm run build', notReachedText, true)));
    expect(play([notReached])).toMatchObject({ told: null });
  });

  test('the note says what, and the question says what repeated, what was tried, and asks', () => {
    const { note, message } = play(
      repeat(20, (n) => bash('npm  test', `exit 1 in ${n}.0 s\nError: no such module`, true)),
    );
    expect(note).toBe(
      'You are going in circles: 3 calls in a row failed with the same error, the last one `bash: npm test`. Doing it ' +
        'again will not help. Step back: read what the results say, and try another way; if there is none, call ask.',
    );
    expect(message).toBe(
      '**I need your help.** I am going in circles: 3 calls in a row failed with the same error, the last one ' +
        '`bash: npm test`. I was told once and could not get out, so I stopped.\n\n' +
        '**Tried:**\n- `bash: npm test`\n\n' +
        '```\nexit 1 in 5.0 s\nError: no such module\n```\n\n' +
        '**What now?**\n- Tell me what to try instead\n- Change the ticket, then say "continue"',
    );
  });
});

describe('work that goes well', () => {
  const traces = [...productiveTraces(16), { name: 'the demo', turns: demo() }];

  test(`none of ${traces.length} productive traces (${traces.reduce((sum, { turns }) => sum + turns.length, 0)} turns) is told anything`, () => {
    const tripped = traces.map(({ name, turns }) => ({ name, ...play(turns) })).filter(({ told }) => told !== null);
    expect(tripped).toEqual([]);
    expect(traces.length).toBeGreaterThan(100);
    expect(Math.max(...traces.map(({ turns }) => turns.length))).toBeGreaterThan(60);
  });
});

/** What the demo's model does, with what its tools would say. */
function demo(): Turn[] {
  const script = parse(readFileSync(join(import.meta.dirname, '../../src/cli/demo/script.yaml'), 'utf8')) as {
    replies: { calls?: { tool: string; input?: unknown }[] }[];
  };
  return script.replies.map(({ calls = [] }, at) =>
    turnOf(
      calls.map(
        ({ tool, input = {} }): Did => [tool, input, tool === 'bash' ? `exit 0 in 0.1 s\n${at} passed` : 'done'],
      ),
    ),
  );
}
