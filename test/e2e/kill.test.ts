import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/**
 * `kill -9` of the demo at ten moments, each time by what it has just said; then the same command again. The moments lie
 * before, in and after: the acknowledgement, reading, an edit, a red and a green test run, verification, and publishing.
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
  ['in the middle of verification', /Verifying/, 800],
  ['publishing', /proved; /, 0],
];

describe('kill -9 of the demo, then again', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-kill-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test.concurrent.for(moments)(
    '%s: one pull request, one closing activity',
    async ([name, said, afterMs], { expect }) => {
      const home = join(dir, name.replaceAll(' ', '-'));
      const first = startDemo(home, []);
      await untilSaid(first, said);
      if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs)); // a moment inside what runs
      first.kill('SIGKILL');
      await once(first, 'close');

      const second = startDemo(home, ['--json']);
      const [output] = await Promise.all([textOf(second.stdout), once(second, 'close')]);
      expect(second.exitCode).toBe(0);
      const document = JSON.parse(output);
      expect(document.ticket).toMatchObject({ identifier: 'BOARD-1', state: 'In Review' });
      expect(document.pullRequest).toMatchObject({ number: 1, proof: 'proved' });
      expect(document.pullRequest.diff).toContain('+const part =');
      const closing = document.activities.filter((activity: { type: string }) => activity.type === 'response');
      expect(closing).toHaveLength(1);
      expect(closing[0].body).toContain(document.pullRequest.url);
      const keys = document.activities.map((activity: object) => JSON.stringify(activity));
      expect(new Set(keys).size).toBe(keys.length);
    },
  );
});

function startDemo(dataDir: string, args: string[]): ChildProcess & { stdout: NodeJS.ReadableStream } {
  const main = join(root, 'src/main.ts');
  const child = spawn(process.execPath, [main, '--data-dir', dataDir, 'demo', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return child as ChildProcess & { stdout: NodeJS.ReadableStream };
}

function untilSaid(child: ChildProcess & { stdout: NodeJS.ReadableStream }, said: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (said.test(text)) resolve();
    });
    child.on('close', () => reject(new Error(`the demo ended before it said ${said}:\n${text}`)));
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
