import type { Turn } from '../../src/core/conversation.ts';

/** A call, and what came of it. */
export type Did = [name: string, input: unknown, text: string, isError?: boolean];

export function turnOf(calls: Did[], input: Partial<Turn> = {}): Turn {
  return {
    runId: 'run-1',
    key: 'turn',
    said: null,
    reply: {
      text: '',
      calls: calls.map(([name, input], id) => ({ id: String(id), name, input })),
      finish: 'toolCalls',
    },
    results: calls.map(([, , text, isError = false]) => ({ text, isError })),
    ...input,
  };
}

export const bash = (command: string, output: string, isError = false): Did => ['bash', { command }, output, isError];
export const read = (path: string, text = `the text of ${path}`): Did => ['read', { path }, text];
export const edit = (path: string, oldText: string, newText: string): Did => [
  'edit',
  { path, edits: [{ oldText, newText }] },
  `Edited ${path} (+1 -1 lines).`,
];

type Random = (below: number) => number;

/** Numbers that are the same in each run of a seed. */
function randomOf(seed: number): Random {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const files = Array.from({ length: 80 }, (_, n) => `src/${['api', 'core', 'store', 'web'][n % 4]}/part-${n}.ts`);
const seconds = (random: Random) => `${random(90)}.${random(10)} s`;
const pick = <T>(random: Random, items: readonly T[]): T => items[random(items.length)] as T;

function testRun(random: Random, failed: number, command = 'npm test'): Did {
  const lines = [`exit ${failed > 0 ? 1 : 0} in ${seconds(random)}`, `Tests: ${failed} failed, ${120 - failed} passed`];
  const red = Array.from({ length: failed }, (_, n) => `✗ part-${n} keeps its order (${random(400)}ms)`);
  return bash(command, [...lines, ...red, `Duration ${seconds(random)}`].join('\n'), failed > 0);
}

const finish: Did = ['finish', { title: 'Done', summary: 'Done' }, 'Accepted.'];
const plan = (random: Random): Did => [
  'update_plan',
  { steps: [{ content: `Step ${random(9)}`, status: 'inProgress' }] },
  'The plan is shown.',
];

/** How work that goes well looks, in its kinds. Each seed is another session. */
const generators: Record<string, (random: Random) => Turn[]> = {
  'edit, test, edit': (random) => {
    let failed = 3 + random(6);
    const turns = [turnOf([plan(random), read(pick(random, files))])];
    for (let round = 0; failed > 0 && round < 30; round++) {
      const file = pick(random, files.slice(0, 3));
      turns.push(turnOf([edit(file, `value ${round}`, `value ${round + 1}`)]));
      // Not every edit helps: now and then the tests say the same as before.
      if (random(3) > 0) failed -= 1;
      turns.push(turnOf([testRun(random, failed)]));
    }
    return [...turns, turnOf([finish])];
  },
  'reading many files': (random) => {
    const turns: Turn[] = [turnOf([bash('git log --oneline -20', `exit 0 in 0.0 s\n${random(1e6)} First`)])];
    for (let n = 0; n < 18; n++)
      turns.push(turnOf(Array.from({ length: 1 + random(5) }, () => read(pick(random, files)))));
    return [...turns, turnOf([edit('src/a.ts', 'a', 'b')]), turnOf([testRun(random, 0)]), turnOf([finish])];
  },
  'the same tests again and again': (random) => {
    const turns: Turn[] = [];
    for (let failed = 9; failed >= 0; failed--) {
      // A flaky suite is run again to see whether it is.
      turns.push(turnOf([testRun(random, failed)]), turnOf([testRun(random, failed + random(2))]));
      turns.push(turnOf([bash(`sed -i 's/a${failed}/b${failed}/' ${pick(random, files)}`, 'exit 0 in 0.0 s')]));
    }
    return [...turns, turnOf([finish])];
  },
  'a long refactoring': (random) => {
    const turns: Turn[] = [turnOf([bash('rg -l oldName', `exit 0 in 0.1 s\n${files.slice(0, 60).join('\n')}`)])];
    for (const file of files.slice(0, 60)) {
      turns.push(
        turnOf(random(2) === 0 ? [read(file), edit(file, 'oldName', 'newName')] : [edit(file, 'oldName', 'newName')]),
      );
      if (random(8) === 0)
        turns.push(turnOf([bash('npx tsc -p .', `exit 2 in ${seconds(random)}\n${random(40)} errors`, true)]));
    }
    return [...turns, turnOf([testRun(random, 0)]), turnOf([finish])];
  },
  'polling a build': (random) => {
    const turns: Turn[] = [turnOf([edit('Dockerfile', 'node:22', 'node:24')])];
    turns.push(turnOf([bash('make image > build.log 2>&1 &', 'exit 0 in 0.0 s')]));
    for (let n = 0, step = 0; n < 6 + random(6); n++) {
      // Now and then nothing has moved since the last look.
      if (random(3) > 0) step += 1 + random(3);
      turns.push(
        turnOf([bash(`sleep ${10 + n}; tail -1 build.log`, `exit 0 in ${10 + n}.0 s\n[${step}/40] RUN npm ci`)]),
      );
    }
    return [...turns, turnOf([bash('make test', `exit 0 in ${seconds(random)}\nok`)]), turnOf([finish])];
  },
  searching: (random) => {
    const turns: Turn[] = [];
    for (let n = 0; n < 20; n++) {
      const word = `${pick(random, ['parse', 'format', 'duration', 'zone', 'offset'])}${n}`;
      const found = random(3) === 0;
      turns.push(
        turnOf([
          bash(`rg -n ${word} src`, found ? `exit 0 in 0.0 s\nsrc/a.ts:${n}: ${word}` : 'exit 1 in 0.0 s', !found),
        ]),
      );
      if (found) turns.push(turnOf([read(pick(random, files), `${n}`)]));
      if (n % 8 === 7) turns.push(turnOf([plan(random), edit('src/a.ts', `${n}`, `${n + 1}`)]));
    }
    return [...turns, turnOf([finish])];
  },
  'mending what the linter says': (random) => {
    const turns: Turn[] = [];
    for (let left = 12 + random(6); left > 0; left -= 1 + random(2)) {
      turns.push(turnOf([bash('npm run lint', `exit 1 in ${seconds(random)}\n${left} problems`, true)]));
      // A text that does not match once or twice, then is read and does.
      if (random(3) === 0)
        turns.push(
          turnOf([
            [
              'edit',
              { path: 'src/a.ts', edits: [{ oldText: `x${left}`, newText: 'y' }] },
              `src/a.ts was not changed. Edit 1: its oldText is not there.`,
              true,
            ],
          ]),
          turnOf([read('src/a.ts', `as of ${left}`)]),
        );
      turns.push(turnOf([edit('src/a.ts', `let ${left}`, `const ${left}`)]));
    }
    return [...turns, turnOf([bash('npm run lint', 'exit 0 in 2.0 s')]), turnOf([finish])];
  },
  'snapshots of what bash changes': (random) => {
    const turns: Turn[] = [];
    for (let n = 0; n < 40; n++)
      turns.push(
        turnOf([bash(`node scripts/migrate.mjs --only ${n}`, `exit 0 in ${seconds(random)}`)], {
          tree: `tree-${Math.floor(n / 3)}`,
        }),
      );
    return [...turns, turnOf([finish])];
  },
};

/** At least a hundred, the same ones each time. */
export function productiveTraces(seeds: number): { name: string; turns: Turn[] }[] {
  return Object.entries(generators).flatMap(([kind, generate]) =>
    Array.from({ length: seeds }, (_, seed) => ({
      name: `${kind}, seed ${seed + 1}`,
      turns: generate(randomOf(seed + 1)),
    })),
  );
}
