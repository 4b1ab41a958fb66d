import { randomInt } from 'node:crypto';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecOptions, ExecResult, Sandbox, SandboxDriver } from '../../src/sandboxes/sandbox.ts';

/** What a driver cannot do, each with its reason. */
export interface SandboxSkips {
  movedMounts?: string;
  readOnlyMounts?: string;
  processesThatLeaveTheirGroup?: string;
}

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A command with the limits of a test; stdout and stderr as text. */
export async function run(sandbox: Sandbox, script: string, options: Partial<ExecOptions> = {}) {
  const result = await sandbox.exec(['bash', '-c', script], withDefaults(options));
  return { ...result, stdout: text(result.stdout), stderr: text(result.stderr) };
}

export function withDefaults(options: Partial<ExecOptions> = {}): ExecOptions {
  return {
    signal: new AbortController().signal,
    limits: { timeoutMs: 20_000, maxOutputBytes: 1_000_000 },
    ...options,
  };
}

/** What every sandbox driver does, whatever it separates. */
export function sandboxContract(name: string, createDriver: () => SandboxDriver, skips: SandboxSkips = {}): void {
  const unless = (reason: string | undefined) => (title: string, body: () => Promise<void>) =>
    reason === undefined ? it(title, body) : it.skip(`${title} (skipped: ${reason})`, body);

  describe(`sandbox driver ${name}`, () => {
    let driver: SandboxDriver;
    let dir: string;
    let workspace: string;
    let readOnly: string;
    let sandbox: Sandbox;

    beforeAll(async () => {
      driver = createDriver();
      dir = await mkdtemp(join(tmpdir(), 'sandbox-contract-'));
      workspace = join(dir, 'workspace');
      readOnly = join(dir, 'read-only');
      await mkdir(workspace);
      await mkdir(readOnly);
      await writeFile(join(readOnly, 'given'), 'given');
      await chown(workspace, driver.owner.uid, driver.owner.gid);
      sandbox = await driver.open({
        mounts: [
          { path: workspace, writable: true },
          { path: readOnly, writable: false },
        ],
        env: { GREETING: `it's "quoted" $HOME \`x\`\nand two lines` },
        cwd: workspace,
        network: 'none',
      });
    });

    afterAll(async () => {
      await sandbox?.close();
      await rm(dir, { recursive: true, force: true });
    });

    it('runs a command to its end and says how it ended', async () => {
      const result = await run(sandbox, 'echo out; echo err >&2; exit 3');
      expect(result).toMatchObject({ exitCode: 3, killed: null, stdout: 'out\n', stderr: 'err\n' });
      expect(result.durationMs).toBeGreaterThan(0);
    });

    it('passes bytes through as they are', async () => {
      const bytes = Uint8Array.from({ length: 256 * 1024 }, (_, index) => (index * 7) % 256);
      const result = await sandbox.exec(['cat'], withDefaults({ stdin: bytes }));
      expect(Buffer.compare(result.stdout, bytes)).toBe(0);
      const argument = 'a b\'c"d$e\\f\n*é';
      expect(text((await sandbox.exec(['printf', '%s', argument], withDefaults())).stdout)).toBe(argument);
    });

    it('ends well when the command does not read its input', async () => {
      const result = await sandbox.exec(['true'], withDefaults({ stdin: Buffer.alloc(1_000_000) }));
      expect(result).toMatchObject({ exitCode: 0, killed: null });
    });

    it('builds the environment and inherits nothing', async () => {
      process.env.SHIPMATE_CANARY = 'canary';
      try {
        const { stdout } = await sandbox.exec(['env', '-0'], withDefaults({ env: { EXTRA: 'for this call' } }));
        const env = Object.fromEntries(
          text(stdout)
            .split('\0')
            .filter(Boolean)
            .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        );
        expect(env).toMatchObject({ LANG: 'C.UTF-8', TERM: 'dumb', EXTRA: 'for this call' });
        expect(env.GREETING).toBe(`it's "quoted" $HOME \`x\`\nand two lines`);
        const expected = ['EXTRA', 'GREETING', 'HOME', 'LANG', 'PATH', 'PWD', 'TERM', 'TMPDIR'];
        expect(Object.keys(env).sort()).toEqual(
          env.PWD === undefined ? expected.filter((key) => key !== 'PWD') : expected,
        );
      } finally {
        delete process.env.SHIPMATE_CANARY;
      }
      expect((await run(sandbox, 'echo "[$EXTRA]"')).stdout).toBe('[]\n');
    });

    it('starts in its directory, or in the one of the call', async () => {
      expect((await run(sandbox, 'pwd')).stdout).toBe(`${workspace}\n`);
      expect((await run(sandbox, 'pwd', { cwd: readOnly })).stdout).toBe(`${readOnly}\n`);
    });

    it('gives an empty home and a temporary directory, both writable', async () => {
      const script = 'ls -A "$HOME"; touch "$HOME/x" "$TMPDIR/y" && ls -A "$HOME"';
      expect((await run(sandbox, script)).stdout).toBe('x\n');
      expect((await run(sandbox, 'ls -A "$HOME" && test -e "$TMPDIR/y"')).exitCode).toBe(0);
    });

    it('has our own Node.js first on PATH', async () => {
      expect((await run(sandbox, 'node -v')).stdout).toBe(`${process.version}\n`);
    });

    it('lets a program open /dev/stdout, /dev/stderr and /dev/stdin again', async () => {
      const result = await run(sandbox, 'cat /dev/stdin | tee /dev/stderr > /dev/stdout', { stdin: 'again' });
      expect(result).toMatchObject({ exitCode: 0, stdout: 'again', stderr: 'again' });
    });

    it('writes files that belong to the owner', async () => {
      await run(sandbox, 'echo made > made');
      const { uid, gid } = await stat(join(workspace, 'made'));
      expect({ uid, gid }).toEqual(driver.owner);
    });

    unless(skips.readOnlyMounts)('refuses to write where it may only read', async () => {
      const result = await run(
        sandbox,
        `cat ${readOnly}/given; echo x > ${readOnly}/given; rm -f ${readOnly}/given; true`,
      );
      expect(result.stdout).toBe('given');
      expect(await readFile(join(readOnly, 'given'), 'utf8')).toBe('given');
    });

    unless(skips.movedMounts)('shows a directory at another path', async () => {
      const mounts = [{ path: readOnly, inside: '/elsewhere/deep', writable: false }];
      const moved = await driver.open({ mounts, env: {}, cwd: '/elsewhere/deep', network: 'none' });
      try {
        expect((await run(moved, 'cat /elsewhere/deep/given')).stdout).toBe('given');
      } finally {
        await moved.close();
      }
    });

    it('throws when there is no such program or directory', async () => {
      await expect(sandbox.exec(['no-such-program'], withDefaults())).rejects.toThrow(/no-such-program/);
      await expect(sandbox.exec(['true'], withDefaults({ cwd: '/no/such/dir' }))).rejects.toThrow('/no/such/dir');
      await expect(sandbox.spawn(['no-such-program'])).rejects.toThrow(/no-such-program/);
    });

    it('kills the tree when time is over', async () => {
      const seconds = uniqueSeconds();
      const started = performance.now();
      const result = await run(sandbox, `echo begun; (sleep ${seconds} & sleep ${seconds}); sleep ${seconds}`, {
        limits: { timeoutMs: 500, maxOutputBytes: 1000 },
      });
      expect(result).toMatchObject({ exitCode: null, killed: 'timeout', stdout: 'begun\n' });
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(await processesWith(seconds)).toEqual([]);
    });

    it('kills the tree when it says too much, and keeps what fits', async () => {
      const chunks: Uint8Array[] = [];
      const result = await run(sandbox, 'yes & yes >&2', {
        limits: { timeoutMs: 20_000, maxOutputBytes: 10_000 },
        onOutput: (chunk) => chunks.push(chunk),
      });
      expect(result).toMatchObject({ exitCode: null, killed: 'output' });
      expect(result.stdout.length + result.stderr.length).toBe(10_000);
      expect(Buffer.concat(chunks).length).toBe(10_000);
    });

    it('kills the tree when the signal fires, in the middle or before', async () => {
      const seconds = uniqueSeconds();
      const controller = new AbortController();
      const result: ExecResult = await sandbox.exec(
        ['bash', '-c', `echo begun; sleep ${seconds}`],
        withDefaults({ signal: controller.signal, onOutput: () => controller.abort() }),
      );
      expect(result).toMatchObject({ exitCode: null, killed: 'aborted' });
      expect(text(result.stdout)).toBe('begun\n');
      expect(await processesWith(seconds)).toEqual([]);
      const before = await sandbox.exec(['touch', 'never'], withDefaults({ signal: AbortSignal.abort() }));
      expect(before).toMatchObject({ exitCode: null, killed: 'aborted' });
      await expect(stat(join(workspace, 'never'))).rejects.toThrow('ENOENT');
    });

    it('takes what a command left running along when it ends', async () => {
      const seconds = uniqueSeconds();
      const result = await run(sandbox, `sleep ${seconds} & echo done`);
      expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n' });
      expect(await processesWith(seconds)).toEqual([]);
    });

    unless(skips.processesThatLeaveTheirGroup)('also what has become a daemon', async () => {
      const seconds = uniqueSeconds();
      const result = await run(
        sandbox,
        `(setsid bash -c "sleep ${seconds} & sleep ${seconds}" </dev/null >/dev/null 2>&1 &); echo done`,
      );
      expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n' });
      expect(await processesWith(seconds)).toEqual([]);
    });

    it('runs several commands at once', async () => {
      const all = await Promise.all(Array.from({ length: 10 }, (_, index) => run(sandbox, `echo ${index}`)));
      expect(all.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 10 }, (_, index) => `${index}\n`));
    });

    it('keeps a process that speaks over its pipes, and kills it', async () => {
      const seconds = uniqueSeconds();
      const process = await sandbox.spawn(['bash', '-c', 'while read -r line; do echo "heard $line"; done; exit 4']);
      const heard = once(process.stdout);
      process.stdin.write('one\n');
      expect(await heard).toBe('heard one\n');
      process.stdin.end();
      expect(await process.exited).toBe(4);

      const other = await sandbox.spawn(['sleep', seconds]);
      await other.kill();
      expect(await processesWith(seconds)).toEqual([]);
    });

    it('reaches the hosts that it is opened for, and no others by way of its proxy', async () => {
      const servers = ['listed', 'other'].map((name) => createServer((_, response) => response.end(name)));
      const [listed, other] = await Promise.all(
        servers.map(async (server) => {
          await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
          return `127.0.0.1:${(server.address() as { port: number }).port}`;
        }),
      );
      const hosts = [listed ?? ''];
      const reaching = await driver.open({ mounts: [], env: {}, cwd: '/tmp', network: { hosts } });
      try {
        const script = `for (const url of ${JSON.stringify([listed, other])})
          fetch('http://' + url).then(async (r) => console.log(url, await r.text()), () => console.log(url, 'refused'))`;
        const { stdout } = await reaching.exec(['node', '-e', script], withDefaults());
        expect(text(stdout).trim().split('\n').sort()).toEqual([`${listed} listed`, `${other} refused`].sort());
        const spawned = await reaching.spawn(['node', '-e', `fetch('http://${listed}').then(() => process.exit(7))`]);
        expect(await spawned.exited).toBe(7);
      } finally {
        await reaching.close();
        for (const server of servers) server.close();
      }
      await expect(driver.open({ mounts: [], env: {}, cwd: '/', network: { hosts: ['*.host'] } })).rejects.toThrow(
        'by exact name',
      );
    });

    it('kills on close what still runs, and starts nothing more', async () => {
      const seconds = uniqueSeconds();
      const other = await driver.open({ mounts: [], env: {}, cwd: '/', network: 'none' });
      const process = await other.spawn(['sleep', seconds]);
      const command = run(other, `echo begun; sleep ${seconds}`);
      await other.close();
      await process.exited;
      expect(await command).toMatchObject({ exitCode: null, killed: 'aborted' });
      expect(await processesWith(seconds)).toEqual([]);
      await expect(other.exec(['true'], withDefaults())).rejects.toThrow('closed');
    });
  });
}

function once(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString('utf8'))));
}

/** A time to sleep that no other test sleeps, by which its processes are found. */
export function uniqueSeconds(): string {
  return String(randomInt(1e8, 1e9));
}

/** Command lines of all processes of the machine, zombies aside, that contain these words. */
export async function processesWith(words: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (line.includes(words)) found.push(line.replaceAll('\0', ' '));
  }
  return found;
}
