import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import type { Repository } from '../core/repository.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import { type Keeper, keeperSpec, runScript, workSpec } from './inside.ts';
import type { Marker } from './layout.ts';
import { splitRecords } from './names.ts';
import type { Rooms } from './workspace.ts';
import { SetupError } from './workspace-error.ts';

/** What makes a checkout able to run its tests. `key` changes when doing it again could give something else. */
export interface SetupPlan {
  commands: string[];
  key: string;
}

export interface SetupOptions {
  /** For set-up commands only: proxies, a registry. No secrets: dependencies' own scripts see it. */
  env: Record<string, string>;
  timeoutMs: number;
}

export interface Preparer {
  /** A new tree at `base` with its set-up done, under a busy marker. Leaves nothing when it fails. */
  prepare(repository: Repository, base: string, setup: SetupPlan, signal: AbortSignal): Promise<Marker>;
}

/** `$1` the mirror's objects, `$2` the base; stdin: packed-refs. */
const clone = `
(
  unset GIT_DIR GIT_WORK_TREE
  git init --quiet --template= --initial-branch=none tree </dev/null
  mkdir -p tree/.git/info keeper/objects/info keeper/objects/pack keeper/refs keeper/info
  echo "$1" > tree/.git/objects/info/alternates
  cat > tree/.git/packed-refs
  git --git-dir=tree/.git update-ref --no-deref HEAD "$2"
)
echo "$1" > keeper/objects/info/alternates
echo 'ref: refs/heads/none' > keeper/HEAD
cat > keeper/config <<'END'
[core]
  repositoryFormatVersion = 0
  fileMode = true
  bare = false
  logAllRefUpdates = false
  autoCrlf = false
  safeCrlf = false
  attributesFile = /dev/null
  excludesFile = /dev/null
  hooksPath = /dev/null
  fsmonitor = false
  fsync = none
  looseCompression = 1
[gc]
  auto = 0
[maintenance]
  auto = false
[advice]
  addEmbeddedRepo = false
[protocol]
  allow = never
END
`;

/** `$1` the base. Whatever set-up did to tracked files is undone. */
export const checkOut = `
git read-tree -u --reset "$1"
cp -p keeper/index tree/.git/index
`;

const leftovers = 'git ls-files --others --exclude-standard --directory --no-empty-directory -z';

/** stdin: patterns. What set-up left in the tree is nobody's work, whether the repository ignores it or not. */
const exclude = 'cat > keeper/info/exclude; cp keeper/info/exclude tree/.git/info/exclude';

/** `$1` the layer. */
const saveLayer = `
git ls-files --others --directory -z > keeper/leftovers
mkdir "$1/tree" "$1/home"
(cd tree && xargs -0 -r cp -a --parents --reflink=auto -t "$1/tree" -- < ../keeper/leftovers)
cp -a --reflink=auto home/. "$1/home/"
cp keeper/info/exclude "$1/exclude"
rm keeper/leftovers
`;

const applyLayer = `
cp -a --reflink=auto "$1/tree/." tree/
cp -a --reflink=auto "$1/home/." home/
cp "$1/exclude" keeper/info/exclude
cp "$1/exclude" tree/.git/info/exclude
`;

export function createPreparer(options: { rooms: Rooms; setup: SetupOptions }): Preparer {
  const { driver, layout, mirrors } = options.rooms;
  const layers = new Map<string, Promise<void>>();

  async function prepare(repository: Repository, base: string, setup: SetupPlan, signal: AbortSignal): Promise<Marker> {
    const mirrorDir = mirrors.gitDir(repository);
    const refs = await mirrors.packedRefs(repository);
    const tree = await layout.newTree();
    const mirror = mirrors.key(repository);
    try {
      await mirrors.keep(repository, `tree-${tree}`, base);
      await fill({ repository, base, setup, tree, mirrorDir, refs, signal });
      return { tree, mirror, base, setup: setup.key, refs: hashOf(refs), bytes: 0 };
    } catch (error) {
      await abandon(options.rooms, mirror, tree);
      throw error;
    }
  }

  interface Filling {
    repository: Repository;
    base: string;
    setup: SetupPlan;
    tree: string;
    mirrorDir: string;
    refs: string;
    signal: AbortSignal;
  }

  async function fill(filling: Filling): Promise<void> {
    const { base, setup, tree, mirrorDir, refs, signal } = filling;
    const keeper = await driver.open(keeperSpec({ layout, tree, mirrorDir }));
    try {
      const isBare = setup.commands.length === 0;
      const script = isBare ? `${clone}set -- "$2"${checkOut}` : clone;
      await runScript(keeper, script, { args: [`${mirrorDir}/objects`, base], stdin: refs, signal });
      if (isBare) return;
      // Where paths inside differ from tree to tree, what set-up left cannot be moved: virtual environments know their path.
      if (driver.samePaths) return await setUp(filling, keeper);
      const layer = layout.path('layers', `${mirrors.key(filling.repository)}.${setup.key}`);
      for (;;) {
        if (await stat(layer).catch(() => null)) return await copyLayer(filling, layer);
        const other = layers.get(layer);
        if (other) {
          await settledOrAborted(other, signal);
          if (await stat(layer).catch(() => null)) continue;
          signal.throwIfAborted(); // the other one failed or was stopped: our turn
          if (layers.has(layer)) continue;
        }
        const making = setUp(filling, keeper).then(() => makeLayer(filling, layer));
        layers.set(layer, making);
        try {
          return await making;
        } finally {
          layers.delete(layer);
        }
      }
    } finally {
      await keeper.close();
    }
  }

  async function setUp(filling: Filling, keeper: Keeper): Promise<void> {
    const { repository, base, setup, tree, mirrorDir, signal } = filling;
    await runScript(keeper, checkOut, { args: [base], signal });
    const caches = await layout.give(layout.path('caches', mirrors.key(repository)));
    const cache = driver.samePaths ? caches : '/var/cache/packages';
    const sandbox = await driver.open(
      workSpec({
        ...options.rooms,
        tree,
        session: null,
        mirrorDir,
        searchPath: await options.rooms.searchPath(),
        network: 'host',
        mounts: [{ path: caches, inside: cache, writable: true }],
        env: { ...cacheEnv(cache), ...certificateEnv(), ...options.setup.env },
      }),
    );
    try {
      for (const command of setup.commands) await runSetupCommand(sandbox, command, options.setup.timeoutMs, signal);
    } finally {
      await sandbox.close();
    }
    await runScript(keeper, checkOut, { args: [base], signal });
    const { stdout } = await runScript(keeper, leftovers, { signal });
    await runScript(keeper, exclude, { stdin: excludePatterns(stdout), signal });
  }

  async function makeLayer({ tree, mirrorDir, signal }: Filling, layer: string): Promise<void> {
    const half = await layout.give(`${layer}.${randomUUID()}.half`);
    const keeper = await driver.open(keeperSpec({ layout, tree, mirrorDir, mounts: [{ path: half, writable: true }] }));
    try {
      await runScript(keeper, saveLayer, { args: [half], signal });
      await rename(half, layer);
    } catch (error) {
      await layout.discard(half);
      if (!(await stat(layer).catch(() => null))) throw error;
    } finally {
      await keeper.close();
    }
  }

  async function copyLayer({ base, tree, mirrorDir, signal }: Filling, layer: string): Promise<void> {
    const now = new Date();
    await utimes(layer, now, now);
    const keeper = await driver.open(
      keeperSpec({ layout, tree, mirrorDir, mounts: [{ path: layer, writable: false }] }),
    );
    try {
      await runScript(keeper, applyLayer, { args: [layer], signal });
      await runScript(keeper, checkOut, { args: [base], signal });
    } finally {
      await keeper.close();
    }
  }

  return { prepare };
}

/** Takes away a tree of this process. */
export async function abandon(
  { layout, mirrors }: Pick<Rooms, 'layout' | 'mirrors'>,
  mirror: string,
  tree: string,
): Promise<void> {
  await layout.discard(layout.path('trees', tree));
  await mirrors.unkeep(mirror, `tree-${tree}`);
  await layout.remove('busy', layout.busyName(tree));
}

async function runSetupCommand(
  sandbox: Sandbox,
  command: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  let tail = Buffer.alloc(0);
  const result = await sandbox.exec(['bash', '-c', command], {
    signal,
    limits: { timeoutMs, maxOutputBytes: 64_000_000 },
    onOutput: (chunk) => {
      tail = Buffer.concat([tail, chunk]).subarray(-4096);
    },
  });
  if (result.killed === 'aborted') signal.throwIfAborted();
  if (result.exitCode === 0) return;
  const reasons = {
    timeout: `took longer than ${Math.round(timeoutMs / 1000)} seconds and was ended`,
    output: 'wrote more than 64 MB of output and was ended',
    aborted: 'was stopped',
  };
  const reason = result.killed ? reasons[result.killed] : `failed with exit code ${result.exitCode}`;
  throw new SetupError({ command, exitCode: result.exitCode, reason, output: tail.toString('utf8').trim() });
}

/** Package managers keep what they download here; nothing in a workspace may be a link into it. */
function cacheEnv(cache: string): Record<string, string> {
  return {
    npm_config_cache: `${cache}/npm`,
    npm_config_store_dir: `${cache}/pnpm`,
    npm_config_package_import_method: 'copy',
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    PIP_CACHE_DIR: `${cache}/pip`,
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    UV_CACHE_DIR: `${cache}/uv`,
    UV_LINK_MODE: 'copy',
    /** For the one that has no such setting of its own. */
    SHIPMATE_PACKAGE_CACHE: cache,
    COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
  };
}

/** The machine's own authorities, for what brings a list of its own: downloads may pass a company's proxy. */
function certificateEnv(): Record<string, string> {
  const files = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];
  const file = files.find((path) => existsSync(path));
  return file === undefined ? {} : { NODE_EXTRA_CA_CERTS: file, SSL_CERT_FILE: file, PIP_CERT: file };
}

/** Lines of an exclude file that mean exactly these paths. A name with a newline cannot be said there. */
function excludePatterns(output: Buffer): Buffer {
  const lines = splitRecords(output)
    .filter((path) => path.length > 0 && !path.includes(10))
    .map((path) => Buffer.from(`/${path.toString('latin1').replaceAll(/[\\*?[\] !#]/g, '\\$&')}\n`, 'latin1'));
  return Buffer.concat(lines);
}

/** Waits for somebody else's work, whatever comes of it. */
export async function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let leave = () => {};
  const aborted = new Promise<void>((resolve) => {
    leave = resolve;
  });
  signal.addEventListener('abort', leave, { once: true });
  await Promise.race([promise.catch(() => {}), aborted]);
  signal.removeEventListener('abort', leave);
  signal.throwIfAborted();
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Git's defaults inside a workspace. */
export async function writeGitConfig(path: string): Promise<void> {
  const text = `[user]
  name = Shipmate
  email = shipmate@localhost
[safe]
  directory = *
[init]
  defaultBranch = main
[gc]
  auto = 0
[maintenance]
  auto = false
`;
  if ((await readFile(path, 'utf8').catch(() => null)) !== text) await writeFile(path, text, { mode: 0o644 });
}
