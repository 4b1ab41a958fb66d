import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Repository } from '../core/repository.ts';
import { VendorError } from '../core/vendor-error.ts';
import { describeFailure, type HostGit } from './git.ts';
import { assertCommit, assertName, isCommit, splitRecords } from './names.ts';

export interface TreeEntry {
  path: string;
  mode: string;
  sha: string;
}

/**
 * Bare mirrors of upstream, one per repository. Each holds upstream's branches and tags, and keep-refs
 * (`refs/shipmate/keep/<name>`) for commits that a workspace stands on, whatever upstream does to its branches.
 */
export interface Mirrors {
  refresh(
    repository: Repository,
    location: { url: string; env: Record<string, string> },
    signal: AbortSignal,
  ): Promise<void>;
  resolve(repository: Repository, ref: string, signal?: AbortSignal): Promise<Resolved | null>;
  /** The newest commit that both have; null when they share none, or the mirror has one of them not. */
  mergeBase(repository: Repository, commit: string, other: string): Promise<string | null>;
  /** The last 50 that a branch was given since it stood at `from`, oldest first: not what was merged into it. */
  commitsBetween(repository: Repository, from: string, to: string): Promise<BranchCommit[]>;
  /** Every file, link and submodule at a commit, by path. */
  readTree(repository: Repository, commit: string): Promise<ReadonlyMap<string, TreeEntry>>;
  readFile(repository: Repository, commit: string, path: string, maxBytes?: number): Promise<string | null>;
  /** Every branch and tag, as the packed-refs of a clone whose upstream is called origin. */
  packedRefs(repository: Repository): Promise<string>;
  keep(repository: Repository, name: string, commit: string): Promise<void>;
  /** Of the mirror with that key; nothing when it is not here. */
  unkeep(key: string, name: string): Promise<void>;
  /** In every mirror there is. */
  dropKeepRefs(which: (name: string) => boolean): Promise<void>;
  key(repository: Repository): string;
  gitDir(repository: Repository): string;
}

/** As its author wrote it: nothing of it is clean. */
export interface BranchCommit {
  commit: string;
  author: string;
  subject: string;
}

type Resolved = { commit: string; tree: string };

const keepRefs = 'refs/shipmate/keep/';
const packsBeforeRepack = 50;
/** Of so many fetches one is followed by it: by chance, so that processes that do not live long do their share. */
const fetchesBeforePack = 100;
const keptTrees = 4;
const keptAnswers = 200;

export function createMirrors(options: {
  dir: string;
  git: HostGit;
  background(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}): Mirrors {
  const { dir, git, background } = options;
  const fetches = new Map<string, SharedFetch>();
  const trees = new Map<string, Promise<ReadonlyMap<string, TreeEntry>>>();
  /**
   * What git said of a mirror, kept until the next fetch of ours has been asked the same: a process for each question is
   * what many sessions at once would wait for. Another process may have fetched since; whoever needs the newest refreshes.
   */
  const resolved = new Map<string, Map<string, Promise<Resolved | null>>>();
  const refLists = new Map<string, Promise<string>>();

  const gitDir = (repository: Repository) => join(dir, `${mirrorKey(repository)}.git`);

  async function create(target: string): Promise<void> {
    if (await exists(target)) return;
    await mkdir(dir, { recursive: true, mode: 0o755 });
    const half = `${target}.${randomUUID()}`;
    // Sandboxes read the objects as another user, whatever our umask is.
    await git.must(['init', '--quiet', '--bare', '--template=', '--shared=0644', '--initial-branch=none', half]);
    try {
      await rename(half, target);
    } catch (error) {
      await rm(half, { recursive: true, force: true });
      if (!(await exists(target))) throw error;
    }
  }

  async function fetchNow(repository: Repository, url: string, env: Record<string, string>, signal: AbortSignal) {
    const target = gitDir(repository);
    await create(target);
    const args = [
      'fetch',
      '--quiet',
      '--prune',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-recurse-submodules',
      '--force',
    ];
    for (let tries = 1; ; tries++) {
      const result = await git.run([...args, '--', url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'], {
        gitDir: target,
        env,
        signal,
      });
      if (result.exitCode === 0) break;
      // Another worker on this machine fetches the same mirror at this moment.
      if (tries < 5 && /cannot lock ref|Unable to create .*\.lock/.test(result.stderr)) {
        await delay(Math.random() * 200 * tries, undefined, { signal });
        continue;
      }
      throw new VendorError(`Cannot fetch the repository "${repository.name}": ${describeFailure(args, result)}`, {
        code: /not found|does not exist|not appear to be a git repository/i.test(result.stderr)
          ? 'not_found'
          : 'unavailable',
        retryable: !/not found|does not exist|not appear to be a git repository|Authentication failed/i.test(
          result.stderr,
        ),
      });
    }
    await askAgain(repository);
    void background('repack', async (stop) => {
      // A file for each of thousands of branches is what every fetch would read through.
      if (Math.random() < 1 / fetchesBeforePack)
        await git.must(['pack-refs', '--all'], { gitDir: target, signal: stop });
      await repackWhenMany(target, stop);
    });
  }

  async function repackWhenMany(target: string, signal: AbortSignal): Promise<void> {
    const packs = (await readdir(join(target, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
    if (packs.length < packsBeforeRepack) return;
    // Whatever a branch, a tag or a keep-ref reaches stays; the rest goes when it is two weeks old.
    await git.must(['-c', 'pack.threads=1', 'gc', '--quiet', '--prune=2.weeks.ago'], { gitDir: target, signal });
  }

  /** The last few are kept: one commit is looked at many times over. */
  function readTree(repository: Repository, commit: string): Promise<ReadonlyMap<string, TreeEntry>> {
    const name = `${mirrorKey(repository)}:${assertCommit(commit)}`;
    const known = trees.get(name);
    const read = known ?? listTree(gitDir(repository), commit);
    trees.delete(name);
    trees.set(name, read);
    if (!known) read.catch(() => trees.delete(name));
    for (const oldest of trees.keys()) if (trees.size > keptTrees) trees.delete(oldest);
    return read;
  }

  async function listTree(target: string, commit: string): Promise<ReadonlyMap<string, TreeEntry>> {
    const output = await git.must(['ls-tree', '-r', '-z', '--full-tree', commit], { gitDir: target });
    return new Map(parseTree(output).map((entry) => [entry.path, entry]));
  }

  /** Commit and tree of each ref or commit id; null where there is none such. */
  async function resolveNow(repository: Repository, refs: string[]): Promise<(Resolved | null)[]> {
    const names = refs.map((ref) => (isCommit(ref) ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]));
    const questions = names.flat().flatMap((name) => [`${name}^{commit}`, `${name}^{tree}`]);
    const args = ['cat-file', '--batch-check=%(objectname)'];
    const said = await git.must(args, { gitDir: gitDir(repository), stdin: `${questions.join('\n')}\n` });
    const answers = said.toString().split('\n').values();
    return names.map((each) => {
      const found = each.map(() => ({ commit: answers.next().value ?? '', tree: answers.next().value ?? '' }));
      return found.find(({ commit, tree }) => isCommit(commit) && isCommit(tree)) ?? null;
    });
  }

  /** After a fetch, before anybody who waited for it goes on. What a commit id stands for stays. */
  async function askAgain(repository: Repository): Promise<void> {
    const key = mirrorKey(repository);
    refLists.delete(key);
    const before = [...(resolved.get(key) ?? [])].slice(-keptAnswers);
    const refs = before.map(([ref]) => ref).filter((ref) => !isCommit(ref));
    const found = refs.length === 0 ? [] : await resolveNow(repository, refs);
    const commits = before.filter(([ref]) => isCommit(ref));
    resolved.set(
      key,
      new Map([...commits, ...refs.map((ref, at) => [ref, Promise.resolve(found[at] ?? null)] as const)]),
    );
  }

  async function listRefs(repository: Repository): Promise<string> {
    const args = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'];
    const refs = (await git.must(args, { gitDir: gitDir(repository) })).toString();
    return refs.replaceAll(/ refs\/heads\//g, ' refs/remotes/origin/');
  }

  async function dropRefs(mirror: string, names: string[]): Promise<void> {
    if (names.length === 0) return;
    const stdin = names.map((name) => `delete ${keepRefs}${assertName('keep-ref', name)}\n`).join('');
    await git.must(['update-ref', '--stdin'], { gitDir: mirror, stdin });
  }

  return {
    key: mirrorKey,
    gitDir,

    refresh(repository, location, signal) {
      const key = mirrorKey(repository);
      let shared = fetches.get(key);
      if (!shared) {
        shared = createSharedFetch(() => fetches.delete(key));
        fetches.set(key, shared);
      }
      return shared.join((stop) => fetchNow(repository, location.url, location.env, stop), signal);
    },

    async resolve(repository, ref, signal) {
      signal?.throwIfAborted();
      if (ref.includes('\n') || !(await exists(gitDir(repository)))) return null;
      const known = resolved.get(mirrorKey(repository)) ?? new Map<string, Promise<Resolved | null>>();
      resolved.set(mirrorKey(repository), known);
      const asked = known.get(ref) ?? resolveNow(repository, [ref]).then(([found]) => found ?? null);
      known.set(ref, asked);
      const forget = () => known.get(ref) === asked && known.delete(ref);
      const found = await asked.catch((error: unknown) => {
        forget();
        throw error;
      });
      if (!found) forget(); // it may come any time
      return found;
    },

    async mergeBase(repository, commit, other) {
      const args = ['merge-base', assertCommit(commit), assertCommit(other)];
      const { stdout, exitCode } = await git.run(args, { gitDir: gitDir(repository) });
      return exitCode === 0 ? stdout.toString().trim() : null;
    },

    async commitsBetween(repository, from, to) {
      const range = `${assertCommit(from)}..${assertCommit(to)}`;
      const args = [
        'log',
        '-z',
        '--reverse',
        '--first-parent',
        '--max-count=50',
        '--no-show-signature',
        '--format=%H%n%an%n%s',
        range,
      ];
      const records = splitRecords(await git.must(args, { gitDir: gitDir(repository) }));
      return records.map((record) => {
        const [commit = '', author = '', subject = ''] = record.toString('utf8').split('\n');
        return { commit, author, subject };
      });
    },

    readTree,

    async readFile(repository, commit, path, maxBytes = 1_000_000) {
      const entry = (await readTree(repository, commit)).get(path);
      if (!entry?.mode.startsWith('100')) return null;
      const options = { gitDir: gitDir(repository), maxBytes };
      const { stdout, exitCode, cut } = await git.run(['cat-file', 'blob', entry.sha], options);
      return exitCode === 0 && !cut ? stdout.toString('utf8') : null;
    },

    async packedRefs(repository) {
      if (!(await exists(gitDir(repository)))) return '';
      const key = mirrorKey(repository);
      const listed = refLists.get(key) ?? listRefs(repository);
      refLists.set(key, listed);
      listed.catch(() => refLists.delete(key));
      return listed;
    },

    async keep(repository, name, commit) {
      await git.must(['update-ref', keepRefs + assertName('keep-ref', name), assertCommit(commit)], {
        gitDir: gitDir(repository),
      });
    },

    async unkeep(key, name) {
      const mirror = join(dir, `${key}.git`);
      if (await exists(mirror)) await dropRefs(mirror, [name]);
    },

    async dropKeepRefs(which) {
      for (const name of await readdir(dir)) {
        const mirror = join(dir, name);
        if (!(await exists(join(mirror, 'HEAD')))) continue;
        const refs = (await git.must(['for-each-ref', '--format=%(refname)', keepRefs], { gitDir: mirror })).toString();
        const names = refs.split('\n').flatMap((ref) => (ref === '' ? [] : [ref.slice(keepRefs.length)]));
        await dropRefs(mirror, names.filter(which));
      }
    },
  };
}

interface SharedFetch {
  join(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/**
 * One fetch at a time. Whoever comes while one is under way shares the next one, because the one under way may have
 * passed what they came for. A fetch is ended when nobody waits for it any more.
 */
function createSharedFetch(whenIdle: () => void): SharedFetch {
  interface Round {
    promise: Promise<void>;
    waiting: number;
    stop: AbortController;
  }
  let current: Promise<void> | null = null;
  let next: Round | null = null;

  function begin(work: (signal: AbortSignal) => Promise<void>): Round {
    const stop = new AbortController();
    const before = current ?? Promise.resolve();
    const round: Round = { waiting: 0, stop, promise: Promise.resolve() };
    round.promise = before
      .catch(() => {})
      .then(async () => {
        if (next === round) next = null;
        stop.signal.throwIfAborted();
        await work(stop.signal);
      });
    const settled = round.promise
      .catch(() => {})
      .then(() => {
        if (current === settled) {
          current = null;
          whenIdle();
        }
      });
    current = settled;
    return round;
  }

  return {
    async join(work, signal) {
      signal.throwIfAborted();
      next ??= begin(work);
      const round = next;
      round.waiting += 1;
      let leave = () => {};
      const left = new Promise<never>((_, reject) => {
        leave = () => {
          round.waiting -= 1;
          if (round.waiting === 0) {
            if (next === round) next = null;
            round.stop.abort();
          }
          reject(signal.reason);
        };
      });
      signal.addEventListener('abort', leave, { once: true });
      try {
        await Promise.race([round.promise, left]);
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
  };
}

function mirrorKey(repository: Repository): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([repository.codeHost, repository.location]))
    .digest('hex');
  const slug = repository.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40);
  return `${slug || 'repository'}-${hash.slice(0, 12)}`;
}

export function parseTree(output: Buffer): TreeEntry[] {
  return splitRecords(output).map((record) => {
    const tab = record.indexOf(9);
    const [mode = '', , sha = ''] = record.subarray(0, tab).toString().split(' ');
    return { path: record.toString('utf8', tab + 1), mode, sha };
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
