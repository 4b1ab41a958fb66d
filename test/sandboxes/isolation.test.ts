import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupHome } from '../../src/sandboxes/bubblewrap/cgroup.ts';
import type { Sandbox } from '../../src/sandboxes/sandbox.ts';
import { processesWith, run, text, uniqueSeconds, withDefaults } from '../contracts/sandbox.ts';
import { createTestDriver, whyNoBubblewrap } from './support.ts';

const reason = await whyNoBubblewrap();
const cgroups = await findCgroupHome();
const isRoot = process.getuid?.() === 0;

/** Where a cgroup is writable, and else skipped with the reason in its title. */
const whereLimited = (title: string, body: () => Promise<void>) =>
  cgroups ? it(title, body) : it.skip(`${title} (skipped: no control group is writable here)`, body);

describe.skipIf(reason !== null)(`what a command in bubblewrap can reach ${reason ?? ''}`, () => {
  const driver = createTestDriver('bubblewrap');
  let dir: string;
  let workspace: string;
  let sandbox: Sandbox;

  beforeAll(async () => {
    // A data directory as it may be: below one that only the service can enter.
    dir = await mkdtemp(join(tmpdir(), 'sandbox-isolation-'));
    await chmod(dir, 0o700);
    workspace = join(dir, 'workspace');
    await mkdir(workspace);
    await chown(workspace, driver.owner.uid, driver.owner.gid);
    await writeFile(join(dir, 'canary'), 'canary of the host', { mode: 0o644 });
    const mounts = [{ path: workspace, writable: true }];
    sandbox = await driver.open({ mounts, env: {}, cwd: workspace, network: 'none' });
  });

  afterAll(async () => {
    await sandbox?.close();
    await rm(dir, { recursive: true, force: true });
  });

  const inPython = (script: string) => run(sandbox, `exec /usr/bin/python3 -I - <<'PYTHON'\n${script}\nPYTHON`);
  const inNode = async (script: string) => {
    const result = await sandbox.exec(['node', '-e', script], withDefaults());
    return { ...result, stdout: text(result.stdout), stderr: text(result.stderr) };
  };

  it('is an unprivileged user that can gain nothing', async () => {
    const { stdout } = await run(sandbox, `id -u; id -G; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status`);
    const [uid, groups, ...status] = stdout.trim().split('\n');
    expect(Number(uid)).toBe(driver.owner.uid);
    if (isRoot) expect(groups).toBe(String(driver.owner.gid));
    const none = '0000000000000000';
    expect(status.map((line) => line.split(/:\s+/))).toEqual([
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => [set, none]),
      ['NoNewPrivs', '1'],
      ['Seccomp', '2'],
    ]);
  });

  it('gets no privileges from set-user-id programs', async () => {
    const copy = await run(sandbox, 'cp /usr/bin/id ./id && chmod u+s ./id && ./id -u');
    expect(Number(copy.stdout)).toBe(driver.owner.uid);
    expect((await run(sandbox, 'mount -t tmpfs none /tmp; chroot / true; mknod x b 259 0')).exitCode).not.toBe(0);
  });

  it('does not see passwords, homes, data or other sandboxes of the host', async () => {
    const other = await driver.open({ mounts: [], env: {}, cwd: '/tmp', network: 'none' });
    try {
      await run(other, 'echo secret > /tmp/of-another; echo secret > $HOME/of-another');
      const paths = ['/etc/shadow', '/etc/ssh', homedir(), '/var/lib', '/sys', '/boot', '/mnt', join(dir, 'canary')];
      const script = paths.map((path) => `ls -d ${path} ${path}/* 2>/dev/null; cat ${path} 2>/dev/null`).join('\n');
      expect((await run(sandbox, script)).stdout).toBe('');
      expect((await run(sandbox, 'ls -A /tmp $HOME /dev/shm')).stdout).not.toContain('of-another');
      expect((await run(sandbox, `ls -A ${tmpdir()} ${dir}`)).stdout).not.toMatch(/canary|shipmate-sandbox/);
    } finally {
      await other.close();
    }
  });

  it('reads nothing of the host through a link, not even one planted for the next command', async () => {
    await symlink(join(dir, 'canary'), join(workspace, 'link'));
    await symlink('/oldroot/etc/shadow', join(workspace, 'old'));
    await symlink(`/proc/${process.pid}/root/etc/shadow`, join(workspace, 'process'));
    expect((await run(sandbox, 'cat link old process /proc/1/root/etc/shadow; cat < link')).stdout).toBe('');
    const top = `/tmp/${workspace.split('/')[2]}`;
    if (!top || !workspace.startsWith(`${top}/`)) return;
    const planted = join(homedir(), 'planted-by-a-command');
    const attack = await run(
      sandbox,
      `mv ${top} /tmp/moved; rmdir ${top}; ln -sfn /oldroot${planted} ${top}; ls -ld ${top}`,
    );
    expect(attack.stdout).toMatch(/^d/);
    expect((await run(sandbox, 'pwd')).stdout).toBe(`${workspace}\n`);
    await expect(stat(planted)).rejects.toThrow('ENOENT');
  });

  it('refuses a mount that a command could redirect', async () => {
    const open = (mounts: { path: string; inside?: string; writable: boolean }[]) =>
      driver.open({ mounts, env: {}, cwd: '/', network: 'none' });
    await expect(
      open([
        { path: workspace, writable: true },
        { path: dir, inside: join(workspace, 'deep'), writable: false },
      ]),
    ).rejects.toThrow('which is writable');
    for (const inside of ['/', '/usr/local', '/etc', '/proc/sys', '/tmp', '/home/shipmate-agent/x'])
      await expect(open([{ path: workspace, inside, writable: true }])).rejects.toThrow(inside);
    await expect(open([{ path: `${workspace}/../x`, writable: false }])).rejects.toThrow('absolute path');
    expect(
      (await readdir(tmpdir())).filter(
        (name) => name.startsWith('shipmate-sandbox-') && name.includes(`-${process.pid}-`),
      ),
    ).toHaveLength(2); // that of the sandbox that is open, and its pipes
  });

  it('sees its own processes only', async () => {
    const { stdout } = await run(
      sandbox,
      'ls /proc | grep -E "^[0-9]+$" | wc -l; readlink /proc/self/ns/pid; hostname',
    );
    const [count, namespace, hostname] = stdout.trim().split('\n');
    expect(Number(count)).toBeLessThan(8);
    expect(namespace).toMatch(/^pid:/);
    expect(namespace).not.toBe(await readlink('/proc/self/ns/pid'));
    expect(hostname).toBe('sandbox');
    expect((await run(sandbox, `kill -9 ${process.pid}`)).exitCode).not.toBe(0);
  });

  it('finds nothing of the service in environments and open files', async () => {
    process.env.SHIPMATE_CANARY = 'canary of the service';
    try {
      const { stdout } = await run(
        sandbox,
        'cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"; ls -l /proc/self/fd',
      );
      expect(stdout).not.toContain('canary');
      expect(stdout).not.toContain('socket:');
    } finally {
      delete process.env.SHIPMATE_CANARY;
    }
  });

  it('writes only to its mounts, its home and /tmp', async () => {
    const { stdout } = await run(
      sandbox,
      'for d in / /usr /usr/local/bin /etc /var /home /opt /opt/shipmate-node/bin /proc/sys/kernel; do touch $d/x 2>/dev/null && echo $d; done; for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /opt/shipmate-node/bin/node; do echo x 2>/dev/null >> $f && echo $f; done; true',
    );
    expect(stdout).toBe('');
    expect((await run(sandbox, 'touch . $HOME/x /tmp/x /var/tmp/x /dev/shm/x')).exitCode).toBe(0);
  });

  describe('network', () => {
    let tcp: Server;
    let abstract: Server;
    beforeAll(async () => {
      tcp = createServer((socket) => socket.end('host'));
      abstract = createServer((socket) => socket.end('host'));
      await once(tcp.listen(0, '127.0.0.1'), 'listening');
      await once(abstract.listen(`\0shipmate-test-${process.pid}`), 'listening');
    });
    afterAll(() => {
      tcp.close();
      abstract.close();
    });
    const connect = (target: string) =>
      `require('net').connect(${target}).on('data', (d) => console.log(String(d))).on('error', (e) => console.log(e.code))`;

    it('has none: no TCP to the host or outside, no name, no abstract socket', async () => {
      const { port } = tcp.address() as { port: number };
      const [loopback, outside, name, socket] = await Promise.all([
        inNode(connect(`${port}, '127.0.0.1'`)),
        inNode(connect(`80, '192.0.2.1'`)),
        inNode(connect(`80, 'example.com'`)),
        inNode(connect(`'\\0shipmate-test-${process.pid}'`)),
      ]);
      expect(loopback.stdout).toBe('ECONNREFUSED\n');
      expect(outside.stdout).toMatch(/^(ENETUNREACH|EHOSTUNREACH)\n$/);
      expect(name.stdout).toMatch(/^(EAI_AGAIN|ENOTFOUND)\n$/);
      expect(socket.stdout).toBe('ECONNREFUSED\n');
    });

    it('reaches no datagram socket of the host', async () => {
      const udp = createSocket('udp4');
      let heard = 0;
      udp.on('message', () => heard++);
      await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
      await inNode(
        `const s = require('dgram').createSocket('udp4'); s.send('x', ${udp.address().port}, '127.0.0.1', () => s.close())`,
      );
      // Something of ours behind it: when that has come, nothing is still on its way.
      const after = once(udp, 'message');
      udp.send('own', udp.address().port, '127.0.0.1');
      await after;
      expect(heard).toBe(1);
      udp.close();
    });

    it('has the host`s when it is asked for', async () => {
      const { port } = tcp.address() as { port: number };
      const open = await driver.open({ mounts: [], env: {}, cwd: '/tmp', network: 'host' });
      try {
        const { stdout } = await open.exec(['node', '-e', connect(`${port}, 'localhost'`)], withDefaults());
        expect(text(stdout)).toBe('host\n');
        const shadow = await run(open, 'test -e /etc/hosts && cat /etc/shadow');
        expect(shadow.stdout).toBe('');
      } finally {
        await open.close();
      }
    });
  });

  it('is refused keyrings, user namespaces, vsock and io_uring', async () => {
    const { stdout } = await inPython(`
import ctypes, errno, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == 'aarch64'
def call(name, number, *arguments):
    result = libc.syscall(number, *arguments)
    print(name, errno.errorcode.get(ctypes.get_errno()) if result < 0 else 'allowed')
call('keyctl', 219 if arm else 250, 0, -3, 1)
call('unshare', 97 if arm else 272, 0x10000000)
call('io_uring_setup', 425, 1, 0)
call('bpf', 280 if arm else 321, 0, 0, 0)
if not arm: call('x32 keyctl', 0x40000000 + 250, 0, -3, 1)
for family in (40, 38, 31):
    try: socket.socket(family, socket.SOCK_STREAM).close(); print(family, 'allowed')
    except OSError as error: print(family, errno.errorcode[error.errno])
socket.socket(socket.AF_UNIX).close(); socket.socket(socket.AF_INET6).close(); print('done')`);
    const expected = ['keyctl EPERM', 'unshare EPERM', 'io_uring_setup ENOSYS', 'bpf EPERM'];
    if (process.arch === 'x64') expected.push('x32 keyctl ENOSYS');
    expect(stdout.trim().split('\n')).toEqual([...expected, ...[40, 38, 31].map((f) => `${f} EAFNOSUPPORT`), 'done']);
  });

  it('cannot fake from inside how it ended', async () => {
    const { exitCode } = await run(
      sandbox,
      'for fd in 3 4 5; do echo missing >&$fd; echo started >&$fd; done 2>/dev/null; exit 9',
    );
    expect(exitCode).toBe(9);
    expect((await run(sandbox, 'kill -9 1; exit 8')).exitCode).toBe(8);
  });

  it('does not get what the service`s own parent left open', async () => {
    const { spawn } = await import('node:child_process');
    const script = new URL('inherited.ts', import.meta.url).pathname;
    const child = spawn('bash', ['-c', `exec 77</etc/passwd; exec "$0" "$1"`, process.execPath, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    expect(Buffer.concat(chunks).toString()).toBe('/dev/null\n');
  });

  whereLimited('limits a fork bomb and goes on', async () => {
    const seconds = uniqueSeconds();
    const bomb = await inPython(`
import os, time
made = 0
try:
    while made < 1000:
        if os.fork() == 0: time.sleep(${seconds})
        made += 1
except BlockingIOError: pass
print(made)`);
    expect(Number(bomb.stdout)).toBeGreaterThan(10);
    expect(Number(bomb.stdout)).toBeLessThan(100);
    expect((await run(sandbox, 'echo fine')).stdout).toBe('fine\n');
    expect(await processesWith(seconds)).toEqual([]);
  });

  whereLimited('limits memory', async () => {
    const result = await inNode('const keep = []; for (;;) keep.push(Buffer.alloc(16e6, 1))');
    expect(result.exitCode).toBe(137);
    expect((await inNode('console.log(Buffer.alloc(32e6, 1).length)')).stdout).toBe('32000000\n');
  });

  it('leaves nothing behind: no process, no directory, no control group', async () => {
    const driver = createTestDriver('bubblewrap', { tempDir: dir });
    const before = await readdir(dir);
    const other = await driver.open({ mounts: [], env: {}, cwd: '/tmp', network: 'none' });
    await run(
      other,
      'mkdir -p a/b && chmod 000 a; d=x; for i in $(seq 60); do mkdir $d; cd $d; d=$(printf "%0200d" $i); done; true',
    );
    await other.close();
    expect(await readdir(dir)).toEqual(before);
    if (!cgroups) return;
    const groups = await readdir(cgroups.version === 2 ? cgroups.dir : cgroups.pids);
    expect(
      groups.filter((name) => name.startsWith('shipmate-sandbox-') && name.includes(`-${process.pid}-`)),
    ).toHaveLength(1);
  });
});
