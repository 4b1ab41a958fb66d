import { realpath } from 'node:fs/promises';
import { createSandbox } from '../command.ts';
import type { SandboxOptions } from '../options.ts';
import { createPipePools, findInheritedDescriptors } from '../pipes.ts';
import type { Sandbox, SandboxDriver, SandboxSpec } from '../sandbox.ts';
import { createScratch, removeAbandonedScratch, removeAfter, removeScratch } from '../scratch.ts';
import { findNodePackages, findProgram, type NodePackage, programDirs } from '../toolchains.ts';
import { openBridge } from './bridge.ts';
import { type CgroupHome, createCgroup, findCgroupHome, removeAbandoned } from './cgroup.ts';
import { probeBubblewrap } from './probe.ts';
import { buildRoot, home, sandboxPath } from './root.ts';
import { seccompFilter } from './seccomp.ts';
import { type Entrance, seccompFd, startInside } from './start.ts';

/** Where programs of the host that the sandbox is built with may come from. */
const hostPath = '/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/run/current-system/sw/bin';

/**
 * Linux namespaces by bubblewrap, new ones for each command. As root the mounts are made with root's rights and the
 * privileges dropped afterwards, so that the inside is an unprivileged user of the host; otherwise it is the service's own
 * user in a user namespace. /tmp and the home directory last as long as the sandbox.
 *
 * Network "host" is the host's whole network, its loopback included: for dependency set-up, before the agent. With named
 * hosts there is none either, but a bridge on its loopback to a proxy outside, by a socket that is mounted.
 */
export function createBubblewrapDriver(options: SandboxOptions): SandboxDriver {
  const isRoot = process.getuid?.() === 0;
  const owner = isRoot
    ? { uid: options.uid, gid: options.uid }
    : { uid: process.getuid?.() ?? options.uid, gid: process.getgid?.() ?? options.uid };
  if (owner.uid === 0) throw new Error('sandbox.uid is 0: commands would run as root. Choose another, 65534 for one.');

  const openPipes = createPipePools(options.tempDir, owner);
  let cgroupHome: Promise<CgroupHome | null> | undefined;
  const limited = options.limits.memoryBytes !== null || options.limits.processes !== null;
  const findLimits = () => {
    cgroupHome ??= limited ? findCgroupHome() : Promise.resolve(null);
    return cgroupHome;
  };

  // What does not change between two sandboxes; looked up again after a failure, which somebody may have mended.
  let surroundings: Promise<Surroundings> | undefined;
  const lookAround = () => {
    surroundings ??= findSurroundings(options, isRoot);
    surroundings.catch(() => {
      surroundings = undefined;
    });
    return surroundings;
  };

  const open = async (spec: SandboxSpec): Promise<Sandbox> => {
    const around = await lookAround();
    const scratch = await createScratch(options.tempDir);
    const { hosts } = typeof spec.network === 'object' ? spec.network : { hosts: null };
    const bridge = hosts && (await openBridge(scratch, hosts, owner).catch(removeAfter(scratch)));
    try {
      const { readOnlyPaths } = options;
      const root = buildRoot(spec, { owner, scratch, readOnlyPaths, bridge: bridge?.dir ?? null, ...around });
      const found = await findLimits();
      // Each time: another worker of this machine may have been killed meanwhile. Nobody has to wait for it.
      if (found) void removeAbandoned(found);
      const cgroup = found ? await createCgroup(found, options.limits) : null;
      const entrance: Entrance = {
        bubblewrap: [around.bubblewrap, ...namespaceArguments(spec, isRoot, around.seccomp !== null), ...root],
        drop: isRoot ? dropArguments(around.setpriv, owner) : [],
        cgroupFiles: cgroup?.files ?? [],
        seccomp: around.seccomp,
        inherited: around.inherited,
        isBridged: bridge !== null,
      };
      const env = {
        PATH: sandboxPath(around.programDirs),
        HOME: home,
        TMPDIR: '/tmp',
        LANG: 'C.UTF-8',
        TERM: 'dumb',
        ...spec.env,
        ...bridge?.env,
      };
      const pipes = openPipes();
      return createSandbox({
        cwd: spec.cwd,
        env,
        start: (command) => startInside(command, entrance, pipes),
        async remove() {
          await bridge?.close();
          await pipes.close();
          await cgroup?.remove();
          await removeScratch(scratch);
        },
      });
    } catch (error) {
      await bridge?.close();
      return removeAfter(scratch)(error);
    }
  };

  return { kind: 'bubblewrap', owner, open, probe: () => probeBubblewrap({ owner, open, options, findLimits }) };
}

interface Surroundings {
  bubblewrap: string;
  setpriv: string;
  nodeFile: string;
  nodePackages: NodePackage[];
  programDirs: string[];
  seccomp: Uint8Array | null;
  inherited: number[];
}

async function findSurroundings(options: SandboxOptions, isRoot: boolean): Promise<Surroundings> {
  const bubblewrap = await findProgram('bwrap', hostPath);
  if (!bubblewrap) throw new Error('bubblewrap is not installed. On Debian and Ubuntu: apt-get install bubblewrap');
  // It must be in /usr, because it is started inside.
  const setpriv = await findProgram('setpriv', '/usr/bin:/bin');
  if (isRoot && !setpriv) throw new Error('setpriv is not installed. On Debian and Ubuntu: apt-get install util-linux');
  await removeAbandonedScratch(options.tempDir);
  return {
    bubblewrap,
    setpriv: setpriv ?? '',
    nodeFile: await realpath(process.execPath),
    nodePackages: await findNodePackages(options.searchPath),
    programDirs: await programDirs(options.readOnlyPaths),
    seccomp: seccompFilter(),
    inherited: findInheritedDescriptors(),
  };
}

function namespaceArguments(spec: SandboxSpec, isRoot: boolean, seccomp: boolean): string[] {
  return [
    ...(isRoot
      ? // The three that setpriv needs to give all of them up.
        ['--cap-drop', 'ALL', ...['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].flatMap((cap) => ['--cap-add', cap])]
      : ['--unshare-user']),
    ...[
      '--unshare-pid',
      '--as-pid-1',
      '--unshare-ipc',
      '--unshare-uts',
      '--hostname',
      'sandbox',
      '--unshare-cgroup-try',
    ],
    ...(spec.network === 'host' ? [] : ['--unshare-net']),
    ...['--die-with-parent', '--new-session', '--json-status-fd', '3'],
    ...(seccomp ? ['--seccomp', String(seccompFd)] : []),
  ];
}

function dropArguments(setpriv: string, owner: { uid: number; gid: number }): string[] {
  return [
    setpriv,
    ...['--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups'],
    ...['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--no-new-privs'],
    '--',
  ];
}
