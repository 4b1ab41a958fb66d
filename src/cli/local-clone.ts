import { copyFile, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ProcessResult, runProcess } from '../lib/process.ts';
import { CliError } from './cli-error.ts';
import type { Surroundings } from './program.ts';

/**
 * A clone on this machine that belongs to whoever types. Git runs there with their own configuration, because what is a
 * change (line ends, ignored files, large-file filters) is theirs to say; but no hook and no monitor of the repository's,
 * and no question that nobody would answer.
 */
export interface LocalClone {
  /** The work tree's top directory. */
  dir: string;
  /** Where git keeps what belongs to this work tree alone, and what all work trees of the clone share. */
  gitDir: string;
  commonDir: string;
  /** Whatever the exit code. */
  run(args: string[], options?: GitOptions): Promise<ProcessResult>;
  /** Throws `CliError` with what git said, unless it exits with 0. */
  must(args: string[], options?: GitOptions): Promise<string>;
  /** The same clone seen from another of its work trees. */
  at(dir: string): Promise<LocalClone>;
}

export interface GitOptions {
  env?: Record<string, string>;
  stdin?: Uint8Array | string;
}

const hardened = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'submodule.recurse=false', 'gc.auto=0'].flatMap(
  (setting) => ['-c', setting],
);

export async function openClone(
  { cwd, env }: Pick<Surroundings, 'cwd' | 'env'>,
  path: string | undefined,
  signal: AbortSignal,
): Promise<LocalClone> {
  const from = resolve(cwd, path ?? '.');
  const own = ['HOME', 'XDG_CONFIG_HOME', 'USERPROFILE'].flatMap((name) =>
    env[name] === undefined ? [] : [[name, env[name]] as const],
  );
  const base = { ...Object.fromEntries(own), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_LITERAL_PATHSPECS: '1' };

  async function open(dir: string): Promise<LocalClone> {
    const run = (args: string[], options: GitOptions = {}) =>
      runProcess(['git', ...hardened, ...args], {
        cwd: dir,
        env: { ...base, ...options.env },
        signal,
        ...(options.stdin !== undefined && { stdin: options.stdin }),
      }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        throw new CliError(`${dir} is not there, or git is not installed.`);
      });
    const must = async (args: string[], options: GitOptions = {}) => {
      const result = await run(args, options);
      if (result.exitCode === 0) return result.stdout.toString('utf8');
      const said = result.stderr.trim().slice(-1000) || 'it said nothing';
      throw new CliError(`git ${args.find((arg) => !arg.startsWith('-'))} failed in ${dir}: ${said}`);
    };
    const found = await run([
      'rev-parse',
      '--path-format=absolute',
      '--show-toplevel',
      '--git-dir',
      '--git-common-dir',
    ]);
    const [top, gitDir, commonDir] = found.stdout.toString('utf8').split('\n');
    if (found.exitCode !== 0 || !top || !gitDir || !commonDir)
      throw new CliError(
        `${dir} is not in a work tree of a git repository. Run this in your clone of the repository, or name it with --repo PATH.`,
      );
    if (top !== dir) return open(top);
    return { dir, gitDir, commonDir, run, must, at: open };
  }
  return open(from);
}

/** Settings under which git writes files as they are stored: what an incoming .gitattributes names runs no filter. */
export async function withoutFilters(clone: LocalClone): Promise<{ settings: string[]; names: string[] }> {
  const { stdout } = await clone.run(['config', '--null', '--name-only', '--get-regexp', '^filter\\..*\\.']);
  const keys = stdout
    .toString('utf8')
    .split('\0')
    .filter((key) => key !== '');
  const names = [...new Set(keys.map((key) => key.slice('filter.'.length, key.lastIndexOf('.'))))];
  const settings = names.flatMap((name) =>
    ['smudge=', 'clean=', 'process=', 'required=false'].flatMap((value) => ['-c', `filter.${name}.${value}`]),
  );
  return { settings, names };
}

/** The work tree as one commit on `base`, made beside the clone: neither its index nor its objects are touched. */
export interface Captured {
  commit: string;
  tree: string;
  bundle: Uint8Array | null;
}

/** Always the same, so that the same files are the same commit, whoever hands them over and when. */
const identity = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'shipmate'],
    [`GIT_${who}_EMAIL`, 'shipmate@localhost'],
    [`GIT_${who}_DATE`, '2000-01-01T00:00:00Z'],
  ]),
);

/** Everything that git does not ignore, tracked or not. `objects`: another place to read objects from. */
export async function captureFiles(clone: LocalClone, base: string, objects?: string): Promise<Captured> {
  const scratch = await mkdtemp(join(tmpdir(), 'shipmate-capture-'));
  try {
    const own = join(clone.commonDir, 'objects');
    const env = {
      ...identity,
      GIT_INDEX_FILE: join(scratch, 'index'),
      GIT_OBJECT_DIRECTORY: join(scratch, 'objects'),
      GIT_ALTERNATE_OBJECT_DIRECTORIES: [own, ...(objects === undefined ? [] : [objects])]
        .map((path) => JSON.stringify(path))
        .join(':'),
    };
    await clone.must(['init', '--quiet', '--bare', '--template=', scratch], { env: {} });
    // A copy, so that what it knows stays known: ignored files that are tracked, parts that are not checked out.
    const unmerged = await clone.must(['ls-files', '--unmerged']);
    if (unmerged !== '')
      throw new CliError(`${clone.dir} is in the middle of a merge with conflicts. Resolve them, then run this again.`);
    await copyIndex(join(clone.gitDir, 'index'), env.GIT_INDEX_FILE);
    await clone.must(['add', '--all', '.'], { env });
    const tree = (await clone.must(['write-tree'], { env })).trim();
    const baseTree = (await clone.must(['rev-parse', `${base}^{tree}`], { env })).trim();
    if (tree === baseTree) return { commit: base, tree, bundle: null };
    const commit = (await clone.must(['commit-tree', '-p', base, '-m', 'snapshot', tree], { env })).trim();
    const packing = ['pack-objects', '--quiet', '--revs', '--thin', '--stdout'];
    const packed = await clone.run(packing, { env, stdin: `${commit}\n^${base}\n` });
    if (packed.exitCode !== 0)
      throw new CliError(`The changes could not be packed: ${packed.stderr.trim().slice(-500)}`);
    const head = Buffer.from(`# v2 git bundle\n-${base}\n${commit} refs/snapshot\n\n`);
    return { commit, tree, bundle: Buffer.concat([head, packed.stdout]) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As old as it is: git takes a file for unchanged that is older than the index and of the same size, without reading it. */
async function copyIndex(from: string, to: string): Promise<void> {
  const known = await stat(from).catch(() => null);
  if (!known) return; // there is none before the first file
  await copyFile(from, to);
  const at = Math.floor(known.mtimeMs / 1000);
  await utimes(to, at, at);
}
