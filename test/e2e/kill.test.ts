import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/**
 * The moments, each told by what the demo has just said: the acknowledgement, reading, a tool server, an edit, a red and a
 * green test run, handing in, verification, and publishing.
 */
const moments: [name: string, said: RegExp, afterMs: number][] = [
  ['acknowledged', /On it/, 0],
  ['reading', /Reading src/, 0],
  ['asking git', /Asking git/, 0],
  ['editing the test', /Editing test/, 0],
  ['the tests are running red', /Running npm test/, 100],
  ['editing the source', /Editing src/, 0],
  ['handing in', /Handing it in/, 0],
  ['verification begins', /Verifying/, 0],
  ['in the middle of verification', /Verifying/, 600],
  ['publishing', /proved; /, 0],
  ['told, but not yet reported', /Pull request: file/, 0],
];

describe('kill -9 of the demo at eleven moments, and again each time', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-kill-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('one ticket, killed eleven times: one pull request, one closing activity', { timeout: 170_000 }, async ({
    expect,
  }) => {
    for (const [name, said, afterMs] of moments) {
      const killed = startDemo(dir, []);
      const reached = await untilSaid(killed, said);
      expect(reached, name).toBe(true);
      if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs)); // a moment inside what runs
      killed.kill('SIGKILL');
      await once(killed, 'close');
    }
    const document = await finishDemo(dir);
    expect(document.ticket).toMatchObject({ identifier: 'BOARD-1', state: 'In Review' });
    expect(document.pullRequest).toMatchObject({ number: 1, proof: 'proved' });
    expect(document.pullRequest.diff).toContain('+const part =');
    const closing = document.activities.filter((activity: { type: string }) => activity.type === 'response');
    expect(closing).toHaveLength(1);
    expect(closing[0].body).toContain(document.pullRequest.url);
    const branches = await run('git', ['-C', document.pullRequest.repository, 'branch', '--list', 'shipmate/*']);
    expect(branches.stdout.trim().split('\n')).toHaveLength(1);
    expect(document.plan.map((step: { status: string }) => step.status)).toEqual(Array(4).fill('completed'));
  });
});

async function finishDemo(dataDir: string) {
  const last = startDemo(dataDir, ['--json']);
  const [output] = await Promise.all([textOf(last.stdout), once(last, 'close')]);
  if (last.exitCode !== 0) throw new Error(`the demo ended with ${last.exitCode}: ${output}`);
  return JSON.parse(output);
}

function startDemo(dataDir: string, args: string[]): ChildProcess & { stdout: NodeJS.ReadableStream } {
  const main = join(root, 'src/main.ts');
  const child = spawn(process.execPath, [main, '--data-dir', dataDir, 'demo', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return child as ChildProcess & { stdout: NodeJS.ReadableStream };
}

/** false when it ended before it said so. */
function untilSaid(child: ChildProcess & { stdout: NodeJS.ReadableStream }, said: RegExp): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (said.test(text)) resolve(true);
    });
    child.on('close', () => resolve(false));
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
