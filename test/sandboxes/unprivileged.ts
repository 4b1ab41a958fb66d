import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createSandboxDriver } from '../../src/sandboxes/index.ts';

/**
 * Started as another user, or in a container's namespace, with a temporary directory as its argument: prints as JSON what
 * the driver finds there and what a command in it looks like.
 */
const [tempDir = ''] = process.argv.slice(2);
/** Other tests run at the same time. */
const seconds = String(randomInt(1e8, 1e9));
const limits = { memoryBytes: 256 * 1024 * 1024, processes: 100 };
const searchPath = '/usr/bin:/bin';
const driver = createSandboxDriver({
  kind: 'bubblewrap',
  options: { uid: 65534, readOnlyPaths: [], limits, searchPath, tempDir },
});
const report: Record<string, unknown> = { checks: await driver.probe(), owner: driver.owner };

const workspace = await mkdtemp(join(tempDir, 'workspace-'));
const secret = join(tempDir, 'secret');
await mkdir(secret, { recursive: true });
try {
  const mounts = [{ path: workspace, inside: '/workspace', writable: true }];
  const sandbox = await driver.open({ mounts, env: {}, cwd: '/workspace', network: 'none' });
  const run = async (script: string, timeoutMs = 20_000) => {
    const result = await sandbox.exec(['bash', '-c', script], {
      signal: AbortSignal.timeout(30_000),
      limits: { timeoutMs, maxOutputBytes: 100_000 },
    });
    return { ...result, stdout: new TextDecoder().decode(result.stdout) };
  };
  report.status = (await run(`id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; ls -d ${secret}`)).stdout;
  report.written = (await run('echo x > file; stat -c %u file; touch /usr/x')).stdout;
  const daemons = `(setsid sleep ${seconds} </dev/null >/dev/null 2>&1 &)`;
  report.ended = (await run(`${daemons}; echo done`)).stdout;
  report.killed = (await run(`${daemons}; sleep ${seconds}`, 300)).killed;
  report.left = (await Promise.all((await readdir('/proc')).map(commandLine))).filter((line) => line.includes(seconds));
  await sandbox.close();
  const server = createServer((_, response) => response.end('reached'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const reaching = await driver.open({ mounts: [], env: {}, cwd: '/tmp', network: { hosts: [host] } });
  const fetching = ['node', '-e', `fetch('http://${host}').then(async (r) => console.log(await r.text()))`];
  const options = { signal: AbortSignal.timeout(30_000), limits: { timeoutMs: 20_000, maxOutputBytes: 100_000 } };
  report.reached = new TextDecoder().decode((await reaching.exec(fetching, options)).stdout);
  await reaching.close();
  server.close();
} catch (error) {
  report.error = String(error);
}
process.stdout.write(JSON.stringify(report));

async function commandLine(pid: string): Promise<string> {
  return /^\d+$/.test(pid) ? readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '') : '';
}
