import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'vitest';
import { armFailpoints } from '../../src/lib/failpoint.ts';

const file = join(import.meta.dirname, '../../src/lib/failpoint.ts');

async function play(spec: string, passes: string[]) {
  const code = `const { armFailpoints } = await import(${JSON.stringify(file)});
    const point = armFailpoints(${JSON.stringify(spec)});
    for (const name of ${JSON.stringify(passes)}) { point(name); process.stdout.write(name + '\\n'); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  return { child, ended: once(child, 'close'), said: () => said.trim().split('\n').filter(Boolean) };
}

test('unarmed, nothing happens', ({ expect }) => {
  expect(() => armFailpoints(null)('anything')).not.toThrow();
});

test('what cannot be read is refused: a test that arms nothing proves nothing', ({ expect }) => {
  for (const spec of [
    '',
    'name',
    'name:',
    'name:explode',
    'name:kill@x',
    'name@2:kill',
    'a:kill;b:kill',
    'a:kill,,b:kill',
  ])
    expect(() => armFailpoints(spec), spec).toThrow('is not a failpoint');
});

test('each fires once, at the passing it names', ({ expect }) => {
  const point = armFailpoints('a:throw@2,b:throw');
  expect(() => point('a')).not.toThrow();
  expect(() => point('a')).toThrow('failpoint a');
  expect(() => point('a')).not.toThrow();
  expect(() => point('b')).toThrow('failpoint b');
  expect(() => point('b')).not.toThrow();
});

test('a kill ends the process there and then', async ({ expect }) => {
  const { child, ended, said } = await play('b:kill', ['a', 'b', 'c']);
  await ended;
  expect([child.signalCode, said()]).toEqual(['SIGKILL', ['a']]);
});

test('a stop freezes it there until it is told to go on', async ({ expect }) => {
  const { child, ended, said } = await play('b:stop', ['a', 'b', 'c']);
  await once(child.stderr, 'data');
  await expect.poll(said).toEqual(['a']);
  await new Promise((resolve) => setTimeout(resolve, 300)); // it would have gone on by now
  expect(said()).toEqual(['a']);
  child.kill('SIGCONT');
  await ended;
  expect([child.exitCode, said()]).toEqual([0, ['a', 'b', 'c']]);
});
