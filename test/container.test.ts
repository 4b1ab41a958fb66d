import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { seccompFilter } from '../src/sandboxes/bubblewrap/seccomp.ts';
import { makeRoom, type Room, whyNoBubblewrap } from './sandboxes/support.ts';

/**
 * No container engine takes part. What one does to a process is done here with unshare and mount, each part of it unless
 * the option of compose.yaml that switches it off is there. AppArmor is not among it.
 */
const uid = 1000;
const root = new URL('../', import.meta.url).pathname;
const compose = parse(await readFile(join(root, 'compose.yaml'), 'utf8'));
const service = compose.services.shipmate as { security_opt: string[]; cap_drop: string[] };
const reason =
  process.getuid?.() === 0 ? await whyNoBubblewrap() : 'only root can build the namespaces that an engine builds';

// The paths are those of Docker and Podman (the OCI default); what a kernel does not have is left out.
const engine = `
set -e
mount -t tmpfs none /run && touch /run/.containerenv
mount -o remount,bind,ro /sys
if [ "$1" = cover ]; then
  for path in /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats; do
    if [ -d $path ]; then mount -t tmpfs -o ro none $path; elif [ -e $path ]; then mount --bind /dev/null $path; fi
  done
  for path in /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger; do
    if [ -e $path ]; then mount --bind $path $path && mount -o remount,bind,ro $path; fi
  done
fi
filter=$2; shift 2
if [ -n "$filter" ]; then exec 9<"$filter"; exec bwrap --dev-bind / / --seccomp 9 -- "$@"; fi
exec "$@"`;

describe.skipIf(reason !== null)(`in a container as compose.yaml describes it ${reason ?? ''}`, () => {
  let room: Room;
  let filter: string;

  beforeAll(async () => {
    room = await makeRoom({ uid, gid: uid });
    // It forbids new user namespaces, as the engines' own does.
    filter = join(room.dir, 'seccomp');
    await writeFile(filter, seccompFilter() ?? '');
  });
  afterAll(() => room?.remove());

  const inContainer = (options: string[]) =>
    room.report([
      'unshare',
      ...['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--ipc', '--uts', '--cgroup'],
      ...['sh', '-c', engine, 'sh'],
      options.includes('systempaths=unconfined') ? '' : 'cover',
      options.includes('seccomp=unconfined') ? '' : filter,
      ...['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups'],
      ...(service.cap_drop.includes('ALL') ? ['--bounding-set=-all', '--inh-caps=-all'] : []),
      ...(options.includes('no-new-privileges:true') ? ['--no-new-privs'] : []),
    ]);
  const without = (option: string) => {
    expect(service.security_opt).toContain(option);
    return service.security_opt.filter((other) => other !== option);
  };

  it('the sandbox works and separates', async () => {
    const report = await inContainer(service.security_opt);
    expect(report.error).toBeUndefined();
    expect(report.checks.filter((check) => check.status === 'missing')).toEqual([]);
    expect(report.checks.filter((check) => check.message.startsWith('Blocked')).length).toBeGreaterThanOrEqual(6);
    expect(report.status).toContain(`${uid}\nCapEff:\t0000000000000000`);
    expect(report).toMatchObject({ written: `${uid}\n`, ended: 'done\n', killed: 'timeout', left: [] });
  });

  it('without systempaths=unconfined there is no sandbox, and the probe says why', async () => {
    const report = await inContainer(without('systempaths=unconfined'));
    const [check] = report.checks;
    expect(report.checks).toHaveLength(1);
    expect(check?.status).toBe('missing');
    expect(check?.message).toContain('cannot mount a /proc of its own');
    expect(check?.remedy).toContain('systempaths=unconfined');
    expect(report.error).toContain('did not start');
  });

  it('without seccomp=unconfined there is no sandbox, and the probe says why', async () => {
    const report = await inContainer(without('seccomp=unconfined'));
    const [check] = report.checks;
    expect(report.checks).toHaveLength(1);
    expect(check?.status).toBe('missing');
    expect(check?.remedy).toContain('seccomp=unconfined');
    expect(report.error).toContain('did not start');
  });
});

it('the image starts what there is to start, as an unprivileged user', async () => {
  const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8');
  const copied = [...dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, paths = '']) => paths.split(' '));
  const kept = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').filter((line) => line.startsWith('!'));
  expect(kept.map((line) => line.slice(1)).sort()).toEqual([...new Set(copied)].sort());
  for (const path of copied) await access(join(root, path));
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^CMD \["node", "bin\/shipmate.mjs", "start"\]$/m);
  expect(dockerfile.indexOf('USER node')).toBeLessThan(dockerfile.indexOf('CMD ["node", "bin'));
});
