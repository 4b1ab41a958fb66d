import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readlink, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupHome } from '../../src/sandboxes/bubblewrap/cgroup.ts';
import { findUnmountedToolchains } from '../../src/sandboxes/toolchains.ts';
import { processesWith, run, uniqueSeconds } from '../contracts/sandbox.ts';
import { createTestDriver, whyNoBubblewrap } from './support.ts';

const reason = await whyNoBubblewrap();
const cgroups = await findCgroupHome();
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sandbox-lifetime-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Any sandbox of this machine that is opened meanwhile may take the empty group away, or may have ended the process already. */
async function abandonIn(group: string, pid: number | undefined): Promise<void> {
  for (;;) {
    try {
      await mkdir(group, { recursive: true });
      return await writeFile(join(group, 'cgroup.procs'), String(pid));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ESRCH') return;
      if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
    }
  }
}

describe.skipIf(reason !== null)(`bubblewrap ${reason ?? ''}`, () => {
  it('takes everything along when the service is killed, and the next one tidies up', async () => {
    const seconds = uniqueSeconds();
    const script = new URL('abandoned.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, dir, seconds], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect((await processesWith(seconds)).length).toBeGreaterThan(2);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const giveUpAt = performance.now() + 5000;
    while ((await processesWith(seconds)).length > 0 && performance.now() < giveUpAt) await delay(10);
    expect(await processesWith(seconds)).toEqual([]);

    expect(await readdir(dir)).toHaveLength(2); // its own files, and the pipes of all
    const driver = createTestDriver('bubblewrap', { tempDir: dir });
    await (await driver.open({ mounts: [], env: {}, cwd: '/', network: 'none' })).close();
    expect(await readdir(dir)).toEqual([]);
  });

  it.skipIf(cgroups === null)(
    `ends what is left in the control group of a killed service, also when it has run for long${cgroups ? '' : ' (skipped: no control group is writable here)'}`,
    async ({ onTestFinished }) => {
      const driver = createTestDriver('bubblewrap', { tempDir: dir });
      // More than once: services are killed beside one that goes on.
      for (const letters of ['first', 'second']) {
        const killed = spawn('true');
        await once(killed, 'exit');
        const left = spawn('sleep', [uniqueSeconds()]);
        onTestFinished(() => void left.kill('SIGKILL'));
        const name = await abandonedName(killed.pid, letters);
        const alive = await abandonedName(process.pid, letters);
        for (const home of homes()) {
          await mkdir(join(home, alive));
          onTestFinished(() => rmdir(join(home, alive)));
          await abandonIn(join(home, name), left.pid);
        }
        await (await driver.open({ mounts: [], env: {}, cwd: '/', network: 'none' })).close();
        await expect.poll(() => left.signalCode, { timeout: 20_000 }).toBe('SIGKILL');
        for (const home of homes()) {
          await expect.poll(() => readdir(home), { timeout: 20_000 }).not.toContain(name);
          expect((await stat(join(home, alive))).isDirectory()).toBe(true);
        }
      }
    },
  );

  it('mounts toolchains and package managers from outside /usr, and puts them on PATH', async () => {
    const tool = join(dir, 'tool');
    await mkdir(join(tool, 'bin'), { recursive: true });
    await program(join(tool, 'bin', 'my-tool'), '#!/bin/sh\necho a tool\n');
    const npm = join(dir, 'version-manager/lib/node_modules/npm');
    await mkdir(join(npm, 'bin'), { recursive: true });
    await mkdir(join(dir, 'version-manager/bin'));
    await program(join(npm, 'bin/npm-cli.js'), '#!/usr/bin/env node\nconsole.log("npm on", process.version)\n');
    await writeFile(join(npm, 'package.json'), '{ "name": "npm", "bin": { "npm": "bin/npm-cli.js" } }');
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(dir, 'version-manager/bin/npm'));

    const searchPath = `${join(dir, 'version-manager/bin')}:/usr/bin`;
    const driver = createTestDriver('bubblewrap', { readOnlyPaths: [tool], searchPath });
    const sandbox = await driver.open({ mounts: [], env: {}, cwd: '/', network: 'none' });
    try {
      expect((await run(sandbox, 'my-tool; npm')).stdout).toBe(`a tool\nnpm on ${process.version}\n`);
    } finally {
      await sandbox.close();
    }
    expect(await findUnmountedToolchains(searchPath, [tool])).toEqual([]);
  });

  it('leaves the npm of /usr where it is, on our own Node.js', async () => {
    const driver = createTestDriver('bubblewrap');
    const sandbox = await driver.open({ mounts: [], env: {}, cwd: '/tmp', network: 'none' });
    try {
      const { stdout } = await run(
        sandbox,
        'command -v npm >/dev/null || exit 0; npm --version; npm exec --offline -c "node -v"',
      );
      if (stdout) expect(stdout).toContain(`\n${process.version}\n`);
    } finally {
      await sandbox.close();
    }
  });
});

it('names the toolchains on PATH that a sandbox does not see, and what to mount', async () => {
  const home = join(dir, 'home');
  await mkdir(join(home, 'go/bin'), { recursive: true });
  await program(join(home, 'go/bin/go'), '');
  await mkdir(join(home, '.pyenv/shims'), { recursive: true });
  await program(join(home, '.pyenv/shims/python3'), '');
  await writeFile(join(home, '.pyenv/version'), '3.13.1\n');
  await mkdir(join(home, '.cargo/bin'), { recursive: true });
  await program(join(home, '.cargo/bin/rustup'), '');
  await symlink('rustup', join(home, '.cargo/bin/cargo'));
  await mkdir(join(home, '.rustup'));
  await writeFile(join(home, '.rustup/settings.toml'), 'default_toolchain = "stable-x86_64"\n');
  const searchPath = ['go/bin', '.pyenv/shims', '.cargo/bin'].map((path) => join(home, path)).join(':');

  const missing = [
    { name: 'python3', path: join(home, '.pyenv/versions/3.13.1') },
    { name: 'cargo', path: join(home, '.rustup/toolchains/stable-x86_64') },
    { name: 'go', path: join(home, 'go') },
  ];
  expect(await findUnmountedToolchains(searchPath, [])).toEqual(missing);
  expect(await findUnmountedToolchains(searchPath, [home])).toEqual([]);
  expect(await findUnmountedToolchains('/usr/bin:/bin', [])).toEqual([]);
});

function homes(): string[] {
  if (cgroups === null) return [];
  return cgroups.version === 2 ? [cgroups.dir] : [cgroups.memory, cgroups.pids];
}

/** What a service of this process id calls the control group of a sandbox. */
async function abandonedName(pid: number | undefined, letters: string): Promise<string> {
  const namespace = /\d+/.exec(await readlink('/proc/self/ns/pid'))?.[0];
  return `shipmate-sandbox-${namespace}-${pid}-${letters}`;
}

async function program(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}
