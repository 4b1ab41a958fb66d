import { once } from 'node:events';
import { readFile, readlink, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import type { Check } from '../../core/check.ts';
import type { SandboxOptions } from '../options.ts';
import type { ExecResult, Sandbox, SandboxSpec } from '../sandbox.ts';
import type { CgroupHome } from './cgroup.ts';
import { explainFailure } from './diagnosis.ts';
import { seccompFilter } from './seccomp.ts';

interface Probed {
  owner: { uid: number; gid: number };
  open(spec: SandboxSpec): Promise<Sandbox>;
  options: SandboxOptions;
  findLimits(): Promise<CgroupHome | null>;
}

/**
 * Runs, in a real sandbox, what must work and what must be blocked. Each attempt answers `blocked` or `open` on its own
 * line; silence counts as open.
 */
export async function probeBubblewrap(probed: Probed): Promise<Check[]> {
  try {
    return [...(await probeInside(probed)), ...(await probeLimits(probed)), ...probeFilter()];
  } catch (error) {
    return [await explainFailure(error, probed.owner)];
  }
}

async function probeInside({ open, owner }: Probed): Promise<Check[]> {
  const listener = createServer((socket) => socket.destroy());
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const address = listener.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const sandbox = await open({ mounts: [], env: {}, cwd: '/tmp', network: 'none' });
  try {
    const namespace = await readlink('/proc/self/ns/pid');
    const attempts: [name: string, what: string, script: string][] = [
      ['passwords', 'reading /etc/shadow', `cat /etc/shadow`],
      ['home', `reading ${homedir()}`, `ls ${quote(await knownPath(homedir()))}`],
      ['processes', 'seeing processes of the host', `[ "$(readlink /proc/self/ns/pid)" = ${quote(namespace)} ]`],
      ['system', 'writing to /usr', `touch /usr/shipmate-probe`],
      [
        'privileges',
        'being root',
        `! grep -q '^NoNewPrivs:.1$' /proc/self/status || ! grep -q '^CapEff:.0*$' /proc/self/status || [ "$(id -u)" != ${owner.uid} ]`,
      ],
      ['network', `a connection to 127.0.0.1:${port} of the host`, connect(port)],
    ];
    const script = [
      'echo works > /tmp/probe && cat /tmp/probe',
      ...attempts.map(
        ([name, , attempt]) => `if ${attempt}; then echo "${name} open"; else echo "${name} blocked"; fi`,
      ),
    ].join('\n');
    const result = await sandbox.exec(['sh', '-c', `exec 2>/dev/null\n${script}`], {
      signal: AbortSignal.timeout(20_000),
      limits: { timeoutMs: 15_000, maxOutputBytes: 100_000 },
    });
    const lines = new TextDecoder().decode(result.stdout).split('\n');
    return [commandsWork(lines, result, owner), ...attempts.map(([name, what]) => isBlocked(name, what, lines))];
  } finally {
    await sandbox.close();
    listener.close();
  }
}

function commandsWork(lines: string[], result: ExecResult, owner: { uid: number }): Check {
  const name = 'sandbox';
  if (lines.includes('works'))
    return { name, status: 'ok', message: `Commands run in bubblewrap as user ${owner.uid}.` };
  const message = `A command in the sandbox said nothing (exit code ${result.exitCode}, killed: ${result.killed}).`;
  return { name, status: 'missing', message, remedy: 'Run `bwrap --ro-bind / / true` as the user of the service.' };
}

function isBlocked(name: string, what: string, lines: string[]): Check {
  if (lines.includes(`${name} blocked`)) return { name: `sandbox ${name}`, status: 'ok', message: `Blocked: ${what}.` };
  return {
    name: `sandbox ${name}`,
    status: 'missing',
    message: `NOT blocked in the sandbox: ${what}.`,
    remedy:
      'Do not run agents here. Install bubblewrap from your distribution, and report this with the output of `bwrap --version`.',
  };
}

/** Our own Node.js does it, which shows that it is there; without it the attempt is not "blocked". */
function connect(port: number): string {
  const code = `require('net').connect(${port}, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(7))`;
  return `node -e ${quote(code)}; [ $? -ne 7 ]`;
}

async function knownPath(dir: string): Promise<string> {
  const found = await stat(dir).catch(() => null);
  return found && dir !== '/' ? dir : '/root';
}

async function probeLimits({ options, findLimits }: Probed): Promise<Check[]> {
  const { memoryBytes, processes } = options.limits;
  const name = 'sandbox limits';
  if (memoryBytes === null && processes === null)
    return [
      {
        name,
        status: 'warning',
        message: 'No limit on memory or processes is configured.',
        remedy: 'Set sandbox.memory and sandbox.processes.',
      },
    ];
  if (await findLimits())
    return [{ name, status: 'ok', message: 'Memory and processes are limited by a control group.' }];
  const service = (await readFile('/proc/self/cgroup', 'utf8').catch(() => '')).trim().split('\n').at(-1) ?? '';
  return [
    {
      name,
      status: 'warning',
      message: `Memory and processes of commands are NOT limited: no control group is writable (the service is in ${service}). Time and output are.`,
      remedy:
        'Run the service with systemd and `Delegate=yes`, or as root; in a container, limit the container (mem_limit, pids_limit).',
    },
  ];
}

function probeFilter(): Check[] {
  if (seccompFilter()) return [];
  const message = `There is no system call filter for ${process.arch}: commands can reach the kernel's keyrings and make user namespaces.`;
  return [{ name: 'sandbox filter', status: 'warning', message, remedy: 'Run the service on x86-64 or arm64.' }];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
