import { expect, test } from 'vitest';
import type { ExecResult } from '../../src/sandboxes/sandbox.ts';
import { takeSnapshot } from '../../src/workspaces/snapshot.ts';

const base = { commit: 'a'.repeat(40), tree: 'b'.repeat(40) };
const [tree, commit] = ['c'.repeat(40), 'd'.repeat(40)];
const signal = new AbortController().signal;

/** A workspace whose git says these, one after the other, and ends well each time. */
function saying(...answers: string[]) {
  const exec = async (): Promise<ExecResult> => {
    const stdout = Buffer.from(answers.shift() ?? '');
    return { exitCode: 0, killed: null, stdout, stderr: Buffer.alloc(0), durationMs: 1 };
  };
  return { exec };
}

test('a snapshot whose words were lost on their way is taken again', async () => {
  const taken = await takeSnapshot(saying('', `${tree} ${commit}\nbundle`), base, null, signal);
  expect(taken).toMatchObject({ base: base.commit, tree, commit, bundle: Buffer.from('bundle') });
});

test('twice: it says what was heard', async () => {
  await expect(takeSnapshot(saying('', ' \n'), base, null, signal)).rejects.toThrow(
    'The workspace could not be saved: git answered " \\n".',
  );
});
