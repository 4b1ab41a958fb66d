import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Evidence } from '../../src/core/evidence.ts';
import { baselineKey, takeBaseline } from '../../src/verification/baseline.ts';
import { runCommand, type VerifyCommands } from '../../src/verification/commands.ts';
import { collectEvidence } from '../../src/verification/evidence-files.ts';
import { runFixers } from '../../src/verification/fixers.ts';
import { verify } from '../../src/verification/verify.ts';
import { createRepository, type Files, type TestRepository, temporaryRoot } from './git-trees.ts';
import { fixedSlugJs, reproduction, shop, slugJs, slugTest } from './shop.ts';

let root: string;
let repository: TestRepository;
const { signal } = new AbortController();
const limits = { timeoutMs: 20_000, maxOutputBytes: 1_000_000 };
const node = 'node --test --test-isolation=none';

beforeAll(async () => {
  root = await temporaryRoot();
  repository = await createRepository(root, 'shop', {
    ...shop,
    'scan.sh': 'grep -n eval src/*.js | sed "s/$/ error: eval/"; exit 0\n',
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

function commandsOf(over: Partial<VerifyCommands>): VerifyCommands {
  return { fast: [], full: [], fix: [], scan: [], ...over };
}

async function proofOf(
  files: Files,
  commands: VerifyCommands,
  over: { stage?: 'fast' | 'full'; isBug?: boolean; exitCommands?: string[] } = {},
) {
  const trees = await repository.change(files);
  const baseline = await takeBaseline({ trees, commands, signal, limits });
  trees.checkouts.length = 0;
  const heard: Evidence[] = [];
  const verification = await verify({
    ...{ trees, commands, signal, limits },
    // What comes back from the database.
    baseline: JSON.parse(JSON.stringify(baseline)),
    stage: over.stage ?? 'full',
    ticket: { isBug: over.isBug ?? false },
    ...(over.exitCommands && { exitCommands: over.exitCommands }),
    onEvidence: (evidence) => heard.push(evidence),
  });
  expect(verification.proof.evidence).toEqual(heard);
  return { ...verification, trees };
}

describe('a command', () => {
  const run = async (command: string, over = {}) => {
    const trees = await repository.change({});
    const checkout = await trees.checkout('base', { signal });
    try {
      return await runCommand(checkout, command, { limits: { ...limits, ...over }, signal });
    } finally {
      await checkout.release();
    }
  };

  test('runs in bash, with CI set and a place for evidence', async () => {
    const { output, exitCode } = await run('[[ -d $SHIPMATE_EVIDENCE ]] && echo "CI=$CI, $(basename "$BASH")"; exit 3');
    expect({ output, exitCode }).toEqual({ output: 'CI=1, bash\n', exitCode: 3 });
  });

  test('is stopped when it takes too long or says too much', async () => {
    expect(await run('sleep 30', { timeoutMs: 100 })).toMatchObject({ stopped: 'timeout', exitCode: null });
    expect(await run('yes', { maxOutputBytes: 5000 })).toMatchObject({ stopped: 'output', exitCode: null });
  });

  test('keeps head and tail of a long output', async () => {
    const { log } = await run('echo first; seq 1 5000; echo last');
    expect(log.length).toBeLessThanOrEqual(4096);
    expect(log).toMatch(/^first\n1\n[\s\S]*bytes left out[\s\S]*\nlast\n$/);
  });
});

describe("a ticket's exit commands", () => {
  const files = { 'src/slug.js': fixedSlugJs, 'test/slug.test.js': slugTest + reproduction };
  const commands = commandsOf({ full: [node] });
  const heads = (evidence: Evidence[]) =>
    evidence.flatMap((one) => (one.type === 'command' && one.where === 'head' ? [[one.command, one.exitCode]] : []));

  test('run on the clean change after the base’s own commands, as evidence of their own', async () => {
    const exitCommands = ['test -s src/slug.js && test ! -e scratch', 'true', 'true'];
    const { proof } = await proofOf(files, commands, { exitCommands });
    expect(proof.verdict).toBe('proved');
    expect(heads(proof.evidence)).toEqual(
      expect.arrayContaining([
        [exitCommands[0], 0],
        ['true', 0],
      ]),
    );
    expect(heads(proof.evidence).findIndex(([command]) => command === 'true')).toBeGreaterThan(0);
    expect(proof.evidence.filter((one) => one.type === 'command' && one.command === 'true')).toHaveLength(1);
    expect(proof.testsAfter?.passed).toBe(6);
  });

  test('one that fails sends the change back, with its output', async () => {
    const { proof } = await proofOf(files, commands, { exitCommands: ['echo too wide; exit 4'] });
    expect(proof.verdict).toBe('regressed');
    expect(proof.findings.join('\n')).toMatch(
      /exit command `echo too wide; exit 4` does not succeed.*exit 4[\s\S]*too wide/,
    );
  });

  test('one that does not exist keeps it from being proved, and is no fault of the change', async () => {
    const { proof } = await proofOf(files, commands, { exitCommands: ['no-such-command --all'] });
    expect(proof.verdict).toBe('unproved');
    expect(proof.findings.join('\n')).toContain('cannot be started (exit 127): correct it on the ticket');
  });

  test('never stand in for the base’s own commands', async () => {
    const { proof } = await proofOf(files, commandsOf({}), { exitCommands: ['true'] });
    expect(proof.verdict).toBe('unproved');
    expect(heads(proof.evidence)).toEqual([['true', 0]]);
    expect(proof.findings.join('\n')).toContain('There is no command to verify with');
  });
});

describe('verification', () => {
  test('tells base, change and reproduction apart in its evidence', async () => {
    const files = { 'src/slug.js': fixedSlugJs, 'test/slug.test.js': slugTest + reproduction };
    const { proof } = await proofOf(files, commandsOf({ fast: [node] }), { isBug: true, stage: 'fast' });
    const commands = proof.evidence.flatMap((one) =>
      one.type === 'command' ? [[one.where, one.exitCode, one.tests?.passed]] : [],
    );
    expect(commands[0]).toEqual(['base', 0, 5]);
    expect(commands).toContainEqual(['head', 0, 6]);
    expect(commands).toContainEqual(['reproduction', 1, 5]);
    expect(proof).toMatchObject({ verdict: 'proved', testsBefore: { passed: 5 }, testsAfter: { passed: 6 } });
  });

  test('is unproved when no command starts, and names the command', async () => {
    const { proof } = await proofOf({ 'README.md': 'x\n' }, commandsOf({ full: ['no-such-runner --all'] }));
    expect(proof.verdict).toBe('unproved');
    expect(proof.findings.join('\n')).toMatch(/`no-such-runner --all` cannot be started[\s\S]*Nothing could be run/);
  });

  test('is unproved without commands', async () => {
    const { proof } = await proofOf({ 'README.md': 'x\n' }, commandsOf({}));
    expect(proof).toMatchObject({ verdict: 'unproved', findings: [expect.stringContaining('.shipmate.yml')] });
  });

  test('takes a red that was there for what it is, beside tests that pass', async () => {
    const { proof } = await proofOf(
      { 'README.md': 'x\n' },
      commandsOf({ full: ['echo old trouble >&2; exit 1', node] }),
    );
    expect(proof.verdict).toBe('proved');
    expect(proof.findings).toEqual([expect.stringContaining('was red on the base already')]);
  });

  test('counts only what a scan finds anew', async () => {
    const scan = ['sh scan.sh'];
    const old = await proofOf({ 'README.md': 'x\n' }, commandsOf({ full: [node], scan }));
    expect(old.proof.verdict).toBe('proved');
    const files = { 'src/slug.js': `${slugJs}export const run = (text) => eval(text);\n` };
    const { proof } = await proofOf(files, commandsOf({ full: [node], scan }));
    expect(proof.verdict).toBe('regressed');
    expect(proof.findings[0]).toMatch(/`sh scan.sh` finds 1 new:\n- src\/slug.js:N/);
    const fast = await proofOf(files, commandsOf({ fast: [node], scan }), { stage: 'fast' });
    expect(fast.proof.verdict).toBe('proved');
  });

  test('collects what commands leave, from the change only', async () => {
    const command =
      'mkdir -p "$SHIPMATE_EVIDENCE/shots"; cp README.md "$SHIPMATE_EVIDENCE/shots/page.png"; ln -s /etc/passwd "$SHIPMATE_EVIDENCE/users.txt"; :';
    const { proof, files } = await proofOf({ 'README.md': 'new\n' }, commandsOf({ full: [node, command] }));
    const evidence = { type: 'file', name: 'shots/page.png', mediaType: 'image/png', bytes: 4, path: 'shots/page.png' };
    expect(files.map((file) => ({ ...file, content: Buffer.from(file.content).toString() }))).toEqual([
      { evidence, content: 'new\n' },
    ]);
    expect(proof.evidence).toContainEqual(evidence);
  });

  test('stops when told to, and leaves no checkout behind', async () => {
    const trees = await repository.change({
      'README.md': 'x\n',
      'test/more.test.js': slugTest.replace('../src', '../src'),
    });
    const commands = commandsOf({ full: ['echo started; sleep 30'] });
    const run = { command: commands.full[0] ?? '', exitCode: 0, stopped: null, durationMs: 1, report: null, log: '' };
    const released: string[] = [];
    const stop = new AbortController();
    const watched = {
      ...trees,
      async checkout(...args: Parameters<typeof trees.checkout>) {
        const checkout = await trees.checkout(...args);
        return {
          ...checkout,
          sandbox: {
            ...checkout.sandbox,
            exec: (...call: Parameters<typeof checkout.sandbox.exec>) => {
              const [argv, options] = call;
              return checkout.sandbox.exec(argv, { ...options, onOutput: () => stop.abort(new Error('enough')) });
            },
          },
          release: async () => {
            released.push(checkout.dir);
            await checkout.release();
          },
        };
      },
    };
    const verifying = verify({
      trees: watched,
      commands,
      baseline: { runs: [run], scans: [] },
      stage: 'full',
      ticket: { isBug: false },
      signal: stop.signal,
    });
    await expect(verifying).rejects.toThrow('enough');
    expect(released).toHaveLength(trees.checkouts.length);
    expect(released.length).toBeGreaterThan(0);
  });

  test('refuses a baseline of other commands', async () => {
    const trees = await repository.change({ 'README.md': 'x\n' });
    const verifying = verify({
      trees,
      commands: commandsOf({ full: [node] }),
      baseline: { runs: [], scans: [] },
      stage: 'full',
      ticket: { isBug: false },
      signal,
    });
    await expect(verifying).rejects.toThrow('The baseline knows nothing of `node --test');
  });
});

test('a baseline is known by tree, set-up and commands', () => {
  const commands = commandsOf({ full: ['npm test'] });
  const key = baselineKey({ tree: 'a', setup: 's', commands });
  expect(key).toBe(baselineKey({ tree: 'a', setup: 's', commands: { ...commands, fix: ['biome'] } }));
  expect(
    new Set([
      key,
      baselineKey({ tree: 'b', setup: 's', commands }),
      baselineKey({ tree: 'a', setup: 't', commands }),
      baselineKey({ tree: 'a', setup: 's', commands: commandsOf({ fast: ['npm test'] }) }),
    ]).size,
  ).toBe(4);
});

test('fixers run one after the other, and one that fails stops none', async () => {
  const trees = await repository.change({});
  const checkout = await trees.checkout('head', { signal });
  const runs = await runFixers(checkout.sandbox, ['echo a > fixed; exit 1', 'cat fixed'], { signal });
  await checkout.release();
  expect(runs.map(({ exitCode, log }) => [exitCode, log])).toEqual([
    [1, ''],
    [0, 'a\n'],
  ]);
});

test('evidence is bounded, and nothing is read through a link', async () => {
  const dir = await mkdtemp(join(root, 'left-'));
  const outside = await mkdtemp(join(root, 'outside-'));
  await writeFile(join(outside, 'secret.txt'), 'secret');
  await symlink(outside, join(dir, 'directory'));
  await symlink(join(outside, 'secret.txt'), join(dir, 'file.txt'));
  await mkdir(join(dir, 'many'));
  for (let i = 10; i < 35; i++) await writeFile(join(dir, 'many', `${i}.log`), `${i}`);
  await writeFile(join(dir, 'a-large.webm'), Buffer.alloc(5_000_001));
  const { files, leftOut } = await collectEvidence(dir);
  expect(files).toHaveLength(20);
  expect(files[0]?.evidence).toMatchObject({ path: 'many/10.log', mediaType: 'text/plain', bytes: 2 });
  expect(leftOut).toBe(6);
  await expect(collectEvidence(join(root, 'gone'))).resolves.toEqual({ files: [], leftOut: 0 });
});
