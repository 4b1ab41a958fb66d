import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isAlive } from '../../src/lib/is-alive.ts';
import { type LaunchSpec, launch } from '../../src/lib/launcher.ts';
import { runProcess } from '../../src/lib/process.ts';

const shell = (script: string, more: Partial<LaunchSpec> = {}) =>
  launch({
    ...{ command: '/bin/sh', args: ['-c', script], cwd: '/', env: { PATH: '/usr/bin:/bin' }, detached: true },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...more,
  });

async function scratch(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-launcher-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Processes of this one that are launchers. */
async function launchers(): Promise<number[]> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  const named = children
    .trim()
    .split(' ')
    .map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return command.includes('launcher') ? [Number(pid)] : [];
    });
  return (await Promise.all(named)).flat();
}

describe('a process that the launcher starts', () => {
  test('gets its input, its environment and nothing else, and says how it ended', async () => {
    const { stdout, stderr, exitCode } = await runProcess(['sh', '-c', 'cat; env >&2; exit 3'], {
      stdin: 'x'.repeat(300_000),
      env: { A: 'one\ntwo' },
    });
    expect([exitCode, stdout.length]).toEqual([3, 300_000]);
    expect(stderr.split('\n').filter((line) => !/^(PWD|OLDPWD|_|SHLVL|PATH)=/.test(line))).toEqual([
      'A=one',
      'two',
      '',
    ]);
  });

  test('has files as its ends where it is told so', async () => {
    const dir = await scratch();
    await writeFile(join(dir, 'in'), 'said\n');
    await writeFile(join(dir, 'out'), '');
    const stdio: LaunchSpec['stdio'] = [
      { path: join(dir, 'in'), write: false },
      { path: join(dir, 'out'), write: true },
    ];
    const { exited } = await shell('cat; test ! -e /proc/self/fd/3', { stdio });
    expect(await exited).toBe(0);
    expect(await readFile(join(dir, 'out'), 'utf8')).toBe('said\n');
  });

  test('that cannot be started is an error with the code of the system', async () => {
    await expect(runProcess(['no-such-program'])).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(shell('true', { cwd: '/no/such/dir' })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(shell('true', { stdio: [{ path: '/no/such/file', write: false }] })).rejects.toThrow('/no/such/file');
  });

  test('is ended with all that it started when it says too much, or the signal fires', async () => {
    const much = await runProcess(['sh', '-c', 'yes & yes'], { maxBytes: 1000 });
    expect([much.cut, much.exitCode, much.stdout.length]).toEqual([true, null, 1000]);
    const stopping = new AbortController();
    const running = runProcess(['sh', '-c', 'sleep 1000 & sleep 1000'], { signal: stopping.signal });
    setTimeout(() => stopping.abort(new Error('enough')), 50);
    await expect(running).rejects.toThrow('enough');
    await expect(runProcess(['true'], { signal: stopping.signal })).rejects.toThrow('enough');
  });
});

test('a launcher that is killed takes what it started along; the next process has a new one', async () => {
  const { pid, pipes, exited, closed } = await shell('sleep 1000 & echo begun; sleep 1000');
  await once(pipes.get(1) ?? process, 'data');
  const [launcher] = await launchers();
  if (launcher === undefined) throw new Error('there is no launcher');
  process.kill(launcher, 'SIGTERM'); // which the service hears itself
  expect((await runProcess(['echo', 'on'])).stdout.toString()).toBe('on\n');
  process.kill(launcher, 'SIGKILL');
  expect([await exited, await closed]).toEqual([null, null]);
  const giveUpAt = performance.now() + 20_000;
  while (isAlive(-pid) && performance.now() < giveUpAt) await delay(10);
  expect(isAlive(-pid)).toBe(false);
  expect((await runProcess(['echo', 'anew'])).stdout.toString()).toBe('anew\n');
  expect(await launchers()).not.toContain(launcher);
});

test('a service waits for its processes and not for the launcher', async () => {
  const module = new URL('../../src/lib/process.ts', import.meta.url);
  const script = `const { runProcess } = await import('${module}');
    console.log((await runProcess(['sh', '-c', 'sleep 0.2; echo done'])).stdout.toString());`;
  const { exitCode, stdout } = await runProcess([process.execPath, '--input-type=module', '-e', script]);
  expect([exitCode, stdout.toString('utf8').trim()]).toEqual([0, 'done']);
});
