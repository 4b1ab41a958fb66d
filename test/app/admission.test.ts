import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, onTestFinished, test } from 'vitest';
import { createAdmission } from '../../src/app/admission.ts';
import type { Log } from '../../src/lib/log.ts';
import { availableMemory } from '../../src/lib/memory.ts';

const MB = 2 ** 20;

describe('admission', () => {
  function admission(state: { free: number | null; atWork: number }, memoryPerRun: number | null = 100 * MB) {
    const said: string[] = [];
    const note = (first: object | string, message?: string) => void said.push(message ?? String(first));
    const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
    const available = () => state.free;
    return { said, ...createAdmission({ slots: 8, memoryPerRun, atWork: () => state.atWork, log, available }) };
  }

  test('takes no run while memory is short, says so once, and goes on when there is some', ({ expect }) => {
    const state = { free: 500 * MB, atWork: 2 };
    const { admits, said, state: shown } = admission(state);
    expect(admits()).toBe(true);
    state.free = 90 * MB;
    expect([admits(), admits(), admits()]).toEqual([false, false, false]);
    expect(shown()).toEqual({ atWork: 2, slots: 8, memoryShort: true });
    state.free = 200 * MB;
    expect([admits(), admits()]).toEqual([true, true]);
    expect(said).toEqual(['memory is short: no more runs until some is free', 'there is memory for more runs']);
  });

  test('counts what was only just taken, and takes one where there is none', ({ expect }) => {
    const state = { free: 250 * MB, atWork: 1 };
    const { admits, took } = admission(state);
    expect(admits()).toBe(true);
    took();
    expect(admits()).toBe(true);
    took();
    expect(admits()).toBe(false);
    expect(admission({ free: 1, atWork: 0 }).admits()).toBe(true);
    expect(admission({ free: 1, atWork: 3 }, null).admits()).toBe(true);
    expect(admission({ free: null, atWork: 3 }).admits()).toBe(true);
  });
});

describe('available memory', () => {
  async function machine(files: Record<string, string>): Promise<string> {
    const root = await mkdtemp(join(tmpdir(), 'shipmate-memory-'));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return root;
  }
  const meminfo = 'MemTotal:  2048 kB\nMemFree:  10 kB\nMemAvailable:    1024 kB\n';

  test('is the least of what the machine and the groups above us leave, cached files counted as free', async ({
    expect,
  }) => {
    expect(availableMemory(await machine({}))).toBeNull();
    expect(availableMemory(await machine({ 'proc/meminfo': meminfo }))).toBe(MB);
    const group = {
      'proc/meminfo': meminfo,
      'proc/self/cgroup': '0::/service/worker\n',
      'sys/fs/cgroup/service/worker/memory.max': 'max\n',
      'sys/fs/cgroup/service/worker/memory.current': '5\n',
      'sys/fs/cgroup/service/memory.max': '1000000\n',
      'sys/fs/cgroup/service/memory.current': '900000\n',
      'sys/fs/cgroup/service/memory.stat': 'anon 1\ninactive_file 40000\nactive_file 7\n',
    };
    expect(availableMemory(await machine(group))).toBe(140_000);
    const old = {
      'proc/self/cgroup': '5:memory:/docker/a\n1:name=systemd:/docker/a\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '3000000\n',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': '1000000\n',
    };
    expect(availableMemory(await machine(old))).toBe(2_000_000);
  });

  test.runIf(process.platform === 'linux')('this machine has some', ({ expect }) => {
    expect(availableMemory()).toBeGreaterThan(0);
  });
});
