import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { CheckRun } from '../../../../src/core/request-progress.ts';
import type { CheckRun as Row } from '../../../stand-ins/github/check-rows.ts';
import { addCi } from '../../../stand-ins/github/ci.ts';
import { logStorageOf } from '../../../stand-ins/github/log-storage.ts';
import { reportOne } from '../../../stand-ins/github/report-checks.ts';
import { reportRun } from '../../../stand-ins/github/workflow-runs.ts';
import { createWorld, type World } from './world.ts';

let world: World;
let head: string;
let number: number;
beforeAll(async () => {
  world = await createWorld();
  const opened = await world.open();
  head = opened.head;
  number = opened.issue.number;
});
afterEach(() => world.github.faults.clear());
afterAll(() => world?.close());

const signal = new AbortController().signal;
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
const readLog = (run: CheckRun, until = signal) => world.following.readLog(world.repository, run, until);

async function checkOf(name: string): Promise<CheckRun> {
  const { checks } = await world.following.read(world.repository, number, signal);
  const run = checks.runs.find((each) => each.name === name);
  if (!run) throw new Error(`no check ${name}`);
  return run;
}

/** A job of GitHub Actions that failed. */
function failed(name: string, log: Row['log'], annotations: Row['annotations'] = []): Promise<CheckRun> {
  const job = { name, log, annotations, conclusion: 'failure' as const };
  reportRun(world.github, world.row, head, { workflow: name, jobs: [job] });
  return checkOf(name);
}

const text = (...lines: string[]) =>
  new TextEncoder().encode(lines.map((line) => `2026-01-01T00:00:00.0000000Z ${line}\n`).join(''));

test('a job’s log, cut to what matters, without secrets; the token stays behind', async () => {
  const secret = `ghs_123456_${'a.B-c_d'.repeat(73)}`;
  const noise = Array.from({ length: 5_000 }, (_, index) => `ok ${index}`);
  const run = await failed(
    'build',
    text(...noise, `token is ${secret}`, '\u001b[31mError: it broke\u001b[0m', ...noise),
  );
  const log = await readLog(run);
  expect(log).toContain('Error: it broke');
  expect(log).not.toContain('\u001b');
  expect(log).not.toContain(secret.slice(20, 60));
  expect(Buffer.byteLength(log ?? '')).toBeLessThanOrEqual(16_000);
  expect((await logStorageOf(world.github)).requests).toEqual(['GET 200']);
});

test('an error in the step that failed goes before others', async () => {
  const startedAt = '2026-01-01T00:00:00.000Z';
  const at = (second: number, line: string) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.0000000Z ${line}\n`;
  const filler = Array.from({ length: 4_000 }, (_, index) => at(3, `fetched package ${index}`)).join('');
  const lines = `${at(1, 'Error: a warning that is none')}${filler}${at(15, 'Error: the test failed')}`;
  const steps = [
    { name: 'Install', conclusion: 'success' as const },
    { name: 'Test', conclusion: 'failure' as const },
  ];
  const job = { name: 'steps', steps, startedAt, log: new TextEncoder().encode(lines) };
  reportRun(world.github, world.row, head, { workflow: 'steps', jobs: [job] });
  const log = await readLog(await checkOf('steps'));
  expect(log).toContain('Error: the test failed');
});

test('a log of 200 MB is never held as a whole', { timeout: 60_000 }, async () => {
  const block = text(...Array.from({ length: 1_000 }, (_, index) => `${index} ${'x'.repeat(1_000)}`));
  const times = Math.ceil(200e6 / block.length);
  const held = () => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = held();
  const samples: number[] = [];
  const run = await failed('huge', async function* () {
    for (let each = 0; each < times; each++) {
      yield block;
      if (each === 20) yield text('Error: in the midst of it');
      if (each % 25 === 24) samples.push(held() - before);
    }
  });
  const log = await readLog(run);
  expect(log).toContain('Error: in the midst of it');
  expect(Buffer.byteLength(log ?? '')).toBeLessThanOrEqual(16_000);
  expect(samples).toHaveLength(7);
  expect(Math.max(...samples)).toBeLessThan(60e6);
});

test('no log: empty, gone, or never written', async () => {
  expect(await readLog(await failed('empty', new Uint8Array()))).toBeNull();
  expect(await readLog(await failed('gone', 'gone'))).toBeNull();
  expect(await readLog(await failed('none', null))).toBeNull();
  const exit = { path: '.github', line: 1, level: 'failure' as const, title: null };
  expect(
    await readLog(await failed('exit', 'gone', [{ ...exit, message: 'Process completed with exit code 1.' }])),
  ).toBeNull();
  const refused = await failed('refused', null, [
    { ...exit, message: 'The job was not started: the account is locked.' },
  ]);
  expect(await readLog(refused)).toContain('The job was not started: the account is locked.');
});

test('another CI has no log; what it says of itself is read', async () => {
  const { github, row } = world;
  reportOne(github, row, head, {
    name: 'lint',
    conclusion: 'failure',
    app: { id: 99, slug: 'linter', name: 'Linter' },
    output: { title: '2 problems', summary: 'In one file', text: 'See **a.txt**' },
    annotations: [
      { path: 'a.txt', line: 3, level: 'notice', title: null, message: 'could be shorter' },
      { path: 'a.txt', line: 5, level: 'failure', title: 'no-five', message: 'five is not allowed' },
    ],
  });
  const log = await readLog(await checkOf('lint'));
  for (const part of ['2 problems', 'In one file', 'a.txt:5: failure: no-five: five is not allowed', 'See **a.txt**'])
    expect(log).toContain(part);
  expect(log?.indexOf('no-five')).toBeLessThan(log?.indexOf('could be shorter') ?? 0);
  expect(await readLog({ name: 'x', state: 'failed', summary: '', url: null, ref: { kind: 'status' } })).toBeNull();
  expect(await readLog({ name: 'x', state: 'failed', summary: '', url: null, ref: null })).toBeNull();
});

test('what cannot be had now is worth another try', async () => {
  const run = await failed('later', text('Error: x'));
  const operation = 'actions/download-job-logs-for-workflow-run';
  world.github.faults.add({ operation, action: { type: 'status', status: 503, commit: 'before' } });
  await expect(readLog(run)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  await expect(readLog(run, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
});

test('a workflow that runs a script on what is pushed', async () => {
  const { github, row } = world;
  const ci = addCi(github, row, { script: 'grep -q "line 5 of" a.txt\nsh test.sh', job: 'unit' });
  const broken = await world.open({ 'test.sh': 'echo "FAIL: one is not two" >&2; exit 3\n' });
  await ci.settled();
  const { checks } = await world.read(broken.issue);
  expect(checks.runs).toMatchObject([{ name: 'unit', state: 'failed' }]);
  const [run] = checks.runs;
  expect(run && (await readLog(run))).toContain('FAIL: one is not two');
  const fine = await world.open();
  await ci.settled();
  expect((await world.read(fine.issue)).checks.runs).toMatchObject([{ name: 'unit', state: 'passed' }]);
});
