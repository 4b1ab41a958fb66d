import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Mount, SandboxSpec } from '../sandbox.ts';
import type { NodePackage } from '../toolchains.ts';
import { bridgeDir } from './bridge.ts';

export const home = '/home/shipmate-agent';
const node = '/opt/shipmate-node';
export const nodeInside = `${node}/bin/node`;
const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Of the host's /etc, what programs need to start, find certificates and know the time. Nothing that names people or keys. */
const etcFiles = [
  ...['debian_version', 'ld.so.cache', 'localtime', 'mime.types', 'os-release', 'protocols', 'services'],
  ...['ssl/cert.pem', 'ssl/openssl.cnf'],
];
const etcDirs = [
  'alternatives',
  'crypto-policies',
  'fonts',
  'maven',
  'perl',
  'pki/ca-trust',
  'pki/tls/certs',
  'ssl/certs',
];
/** What Debian keeps there of a toolchain that otherwise lies in /usr. */
const etcDirPattern = /^(java|python)-?\d/;

export interface RootOptions {
  owner: { uid: number; gid: number };
  scratch: string;
  /** The file of the Node.js that runs the service. */
  nodeFile: string;
  nodePackages: NodePackage[];
  readOnlyPaths: string[];
  /** What a bridge to named hosts is made of; null: there is none. */
  bridge: string | null;
}

export function sandboxPath(programDirs: string[]): string {
  return [`${node}/bin`, ...programDirs, ...usual].join(':');
}

/**
 * The file system that commands see, as arguments for bubblewrap: the host's /usr, a built /etc, an empty home and /tmp
 * of this sandbox's own, and the mounts. Also prepares what of it lies in `scratch`: some forty small files, which together
 * take a millisecond or two, and many times that when each is waited for.
 */
export function buildRoot(spec: SandboxSpec, options: RootOptions): string[] {
  const { scratch, owner } = options;
  const toolchains = options.readOnlyPaths.map((path) => ({ path, writable: false }));
  const mounts = orderMounts([...toolchains, ...spec.mounts]);
  const shelters = [
    ...new Set(mounts.map((mount) => /^\/tmp\/[^/]+/.exec(mount.inside)?.[0]).filter((dir) => dir !== undefined)),
  ];
  for (const [name, mode] of [
    ['tmp', 0o1777],
    ['home', 0o700],
  ] as const) {
    makeDir(join(scratch, name), mode);
    if (process.getuid?.() === 0) chownSync(join(scratch, name), owner.uid, owner.gid);
  }
  for (const dir of shelters) makeDir(join(scratch, dir));

  return [
    ...systemArguments(),
    ...['--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm'],
    ...etcArguments(spec.network, options),
    ...nodeArguments(options),
    ...(options.bridge === null ? [] : bind('--ro-bind', options.bridge, bridgeDir)),
    ...['--bind', join(scratch, 'tmp'), '/tmp', '--dir', '/var', '--symlink', '/tmp', '/var/tmp'],
    ...bind('--bind', join(scratch, 'home'), home),
    // A mount under /tmp stands on a directory that a command can neither rename nor replace by a link, because a mount
    // covers it in every one of them: else bubblewrap would follow that link, with the host's rights, next time.
    ...shelters.flatMap((dir) => ['--tmpfs', dir]),
    ...mounts.flatMap((mount) => bind(mount.writable ? '--bind' : '--ro-bind', mount.path, mount.inside)),
    ...['--remount-ro', '/'],
  ];
}

interface PlacedMount extends Mount {
  inside: string;
}

/** From the outside in; throws for what could not be mounted safely. */
function orderMounts(mounts: Mount[]): PlacedMount[] {
  const placed = mounts
    .map((mount) => ({ ...mount, inside: mount.inside ?? mount.path }))
    .sort((a, b) => a.inside.length - b.inside.length);
  for (const [index, mount] of placed.entries()) {
    for (const path of [mount.path, mount.inside])
      if (!path.startsWith('/') || resolve(path) !== path)
        throw new Error(`The mount "${path}" must be an absolute path without "." and "..".`);
    if (['/', '/tmp', '/var', '/var/tmp', '/home', '/opt', '/sys', '/run'].includes(mount.inside))
      throw new Error(`Nothing can be mounted at ${mount.inside} itself; choose a directory below it.`);
    const taken = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc', '/proc', '/dev', home, node, bridgeDir];
    const system = taken.find((dir) => isWithin(mount.inside, dir));
    if (system) throw new Error(`Nothing can be mounted at ${mount.inside}: the sandbox has a ${system} of its own.`);
    for (const outer of placed.slice(0, index)) {
      if (outer.inside === mount.inside) throw new Error(`Two mounts are to be at ${mount.inside}.`);
      // A command could have put a link there, which would be followed with the host's rights.
      if (outer.writable && isWithin(mount.inside, outer.inside))
        throw new Error(`${mount.inside} cannot be mounted inside ${outer.inside}, which is writable.`);
    }
  }
  return placed;
}

function isWithin(path: string, dir: string): boolean {
  return path === dir || path.startsWith(`${dir}/`);
}

function systemArguments(): string[] {
  const args = ['--ro-bind', '/usr', '/usr'];
  for (const dir of ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']) {
    const found = lstatSync(dir, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) args.push('--symlink', readlinkSync(dir), dir);
    else if (found?.isDirectory()) args.push('--ro-bind', dir, dir);
  }
  return args;
}

/** Files are copied and directories mounted: each mount costs time in each command. */
function etcArguments(network: SandboxSpec['network'], options: RootOptions): string[] {
  const { uid, gid } = options.owner;
  const etc = join(options.scratch, 'etc');
  for (const dir of ['', 'ssl', 'pki', 'pki/tls']) makeDir(join(etc, dir));
  const ours: Record<string, string> = {
    passwd: `root:x:0:0:root:/root:/bin/false\nagent:x:${uid}:${gid}:agent:${home}:/bin/sh\n`,
    group: `root:x:0:\nagent:x:${gid}:\n`,
    hosts: '127.0.0.1 localhost\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
  };
  for (const [name, text] of Object.entries(ours)) writeFileSync(join(etc, name), text);
  const copied = network === 'host' ? [...etcFiles, 'hosts', 'resolv.conf'] : etcFiles;
  const present = copied.filter((name) => existsSync(join('/etc', name)));
  for (const name of present) copyFileSync(join('/etc', name), join(etc, name));
  for (const name of [...Object.keys(ours), ...present]) chmodSync(join(etc, name), 0o644);

  const versioned = readdirSync('/etc').filter((name) => etcDirPattern.test(name));
  const binds = [...etcDirs, ...versioned].flatMap((name) => {
    const path = join('/etc', name);
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
    makeDir(join(etc, name));
    return ['--ro-bind', realpathSync(path), path];
  });
  return ['--ro-bind', etc, '/etc', ...binds];
}

function nodeArguments({ nodeFile, nodePackages }: RootOptions): string[] {
  return [
    ...bind('--ro-bind', nodeFile, nodeInside),
    ...nodePackages.flatMap(({ name, path, programs }) => [
      ...bind('--ro-bind', path, `${node}/lib/node_modules/${name}`),
      ...Object.entries(programs).flatMap(([program, file]) => [
        ...['--symlink', join('../lib/node_modules', name, file), `${node}/bin/${program}`],
      ]),
    ]),
  ];
}

/** With the directories it stands in, which bubblewrap would otherwise make for root alone. */
function bind(option: '--bind' | '--ro-bind', source: string, inside: string): string[] {
  const parents: string[] = [];
  for (let dir = dirname(inside); dir !== '/' && dir !== '/tmp'; dir = dirname(dir)) parents.unshift(dir);
  return [...parents.flatMap((dir) => ['--dir', dir]), option, source, inside];
}

/** Of that mode whatever the service's umask. */
function makeDir(dir: string, mode = 0o755): void {
  mkdirSync(dir);
  chmodSync(dir, mode);
}
