import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Repository } from '../core/repository.ts';
import { makeBundle, parseBundle } from './bundle.ts';
import { type Change, parseChanges } from './changes.ts';
import type { HostGit } from './git.ts';
import type { Layout } from './layout.ts';
import type { Mirrors } from './mirror.ts';
import { assertCommit, assertName, splitRecords } from './names.ts';
import { bundleOf, type Snapshot, type StoredSnapshot } from './snapshot.ts';
import { baseMissing, WorkspaceError } from './workspace-error.ts';

/** A clean bare repository on our side with a session's work, checked; upstream's objects are the mirror's. */
export interface SessionStore {
  gitDir: string;
}

export interface SessionStores {
  /** With nothing in it but what the mirror has. */
  storeOf(sessionId: string, repository: Repository): Promise<SessionStore>;
  receive(
    sessionId: string,
    repository: Repository,
    snapshot: StoredSnapshot,
    signal: AbortSignal,
  ): Promise<SessionStore>;
  /**
   * The tree of a commit that the mirror has, with one file of its top directory as given. Throws where that is something
   * else than a file there.
   */
  withFile(
    sessionId: string,
    repository: Repository,
    commit: string,
    file: { path: string; text: string },
  ): Promise<{ store: SessionStore; tree: string }>;
  /** The tree of these files alone, all of them in its top directory. */
  treeOf(
    sessionId: string,
    repository: Repository,
    files: readonly { name: string; content: Uint8Array }[],
  ): Promise<{ store: SessionStore; tree: string }>;
  /**
   * The tree of `onto` without what was changed from `since`, or the first parent of `commit`, to `commit`. With conflicts it is
   * of no use. All are in the mirror.
   */
  withoutCommit(
    sessionId: string,
    repository: Repository,
    { commit, onto, since }: { commit: string; onto: string; since?: string },
    signal: AbortSignal,
  ): Promise<{ store: SessionStore; tree: string; conflicts: string[] }>;
  changes(store: SessionStore, from: string, to: string): Promise<Change[]>;
  diff(
    store: SessionStore,
    from: string,
    to: string,
    options: { maxBytes: number },
  ): Promise<{ text: string; cut: boolean }>;
  readBlob(store: SessionStore, sha: string, maxBytes: number): Promise<Buffer | null>;
  /** A thin pack of all that these commits reach and `base` does not; what the store does not have is left out. */
  pack(
    store: SessionStore,
    commits: string[],
    base: string,
    signal: AbortSignal,
  ): Promise<{ has: string[]; pack: Buffer }>;
  /**
   * What `theirs` changed since `before`, on `ours`. Where both changed the same lines, the tree has both, between git's
   * marks, in the files that `conflicts` names. When `before` is not to be had, all of `theirs` that differs conflicts.
   */
  mergeTrees(
    store: SessionStore,
    trees: { before: string; ours: string; theirs: string },
    signal: AbortSignal,
  ): Promise<{ tree: string; conflicts: string[] }>;
  /** A tree that is in the store as a snapshot on a base. */
  snapshotOf(
    store: SessionStore,
    tree: string,
    base: { commit: string; tree: string },
    signal: AbortSignal,
  ): Promise<Snapshot>;
  /** The same arguments give the same commit. */
  commit(store: SessionStore, commit: NewCommit, signal?: AbortSignal): Promise<string>;
}

export interface NewCommit {
  tree: string;
  /** null: it stands on nothing. */
  parent: string | null;
  /** What it brings in beside that: its second parent. */
  merges?: string;
  message: string;
  author: { name: string; email: string };
  /** ISO 8601. */
  date: string;
}

const maxPackBytes = 1_000_000_000;

export function createSessionStores(options: { layout: Layout; mirrors: Mirrors; git: HostGit }): SessionStores {
  const { layout, mirrors, git } = options;

  async function open(sessionId: string, repository: Repository): Promise<string> {
    const gitDir = layout.path('stores', `${assertName('session', sessionId)}.git`);
    const alternates = join(gitDir, 'objects/info/alternates');
    const wanted = `${mirrors.gitDir(repository)}/objects\n`;
    // Its content and not that it is there: a process may have been killed between making the file and writing it.
    if ((await readFile(alternates, 'utf8').catch(() => null)) !== wanted) {
      await git.must(['init', '--quiet', '--bare', '--template=', '--initial-branch=none', gitDir]);
      await mkdir(join(gitDir, 'objects/info'), { recursive: true });
      await writeFile(alternates, wanted);
    }
    return gitDir;
  }

  /** Nobody packs the refs of a store, so that there need be no process to look. */
  async function isReceived(gitDir: string, ref: string): Promise<boolean> {
    const held = await readFile(join(gitDir, ref), 'utf8').catch(() => '');
    return held.trim() === ref.slice('refs/snapshots/'.length);
  }

  /** What a commit says of itself: its tree and its parents. */
  async function headerOf(gitDir: string, commit: string): Promise<string[]> {
    const text = (await git.must(['cat-file', 'commit', assertCommit(commit)], { gitDir })).toString('latin1');
    return text
      .slice(0, text.indexOf('\n\n'))
      .split('\n')
      .filter((line) => /^(tree|parent) /.test(line));
  }

  async function unpack(
    gitDir: string,
    snapshot: StoredSnapshot,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const bundle = parseBundle(bytes);
    const [ref] = bundle.refs;
    if (bundle.prerequisites.join() !== snapshot.base || bundle.refs.length !== 1 || ref?.sha !== snapshot.commit)
      throw new WorkspaceError('bad_bundle', `The snapshot ${snapshot.commit} is not one commit on ${snapshot.base}.`);
    const args = ['index-pack', '--stdin', '--fix-thin', '--strict', `--max-input-size=${maxPackBytes}`];
    const result = await git.run(args, { gitDir, stdin: bundle.pack, signal });
    if (result.exitCode !== 0)
      throw new WorkspaceError(
        'bad_bundle',
        `Git refuses what the workspace handed over: ${result.stderr.trim().slice(-1000)}. Nothing of it was published.`,
      );
    const header = await headerOf(gitDir, snapshot.commit);
    if (header.join() !== `tree ${snapshot.tree},parent ${snapshot.base}`)
      throw new WorkspaceError(
        'bad_bundle',
        `The snapshot ${snapshot.commit} is not tree ${snapshot.tree} on ${snapshot.base}.`,
      );
  }

  /** A commit that nobody publishes; the same every time. */
  async function bareCommit(gitDir: string, tree: string, parents: string[], signal: AbortSignal): Promise<string> {
    const names = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'shipmate'],
      [`GIT_${who}_EMAIL`, 'shipmate@localhost'],
      [`GIT_${who}_DATE`, '2000-01-01T00:00:00Z'],
    ]);
    const args = ['commit-tree', ...parents.flatMap((parent) => ['-p', parent]), '-m', 'snapshot', assertCommit(tree)];
    return (await git.must(args, { gitDir, env: Object.fromEntries(names), signal })).toString().trim();
  }

  async function packOf(gitDir: string, commits: string[], base: string, signal: AbortSignal): Promise<Buffer> {
    const stdin = [...commits, `^${assertCommit(base)}`].map((line) => `${line}\n`).join('');
    return git.must(['pack-objects', '--quiet', '--revs', '--thin', '--stdout'], { gitDir, stdin, signal });
  }

  async function mergeTrees(
    { gitDir }: SessionStore,
    { before, ours, theirs }: { before: string; ours: string; theirs: string },
    signal: AbortSignal,
  ): Promise<{ tree: string; conflicts: string[] }> {
    const known = await git.run(['cat-file', '-e', `${assertCommit(before)}^{tree}`], { gitDir, signal });
    const parents = known.exitCode === 0 ? [await bareCommit(gitDir, before, [], signal)] : [];
    const sides = [await bareCommit(gitDir, ours, parents, signal), await bareCommit(gitDir, theirs, parents, signal)];
    const flags = ['--write-tree', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories'];
    const merged = await git.run(['merge-tree', ...flags, ...sides], { gitDir, signal });
    if (merged.exitCode !== 0 && merged.exitCode !== 1)
      throw new WorkspaceError('git_failed', `git merge-tree failed: ${merged.stderr.trim().slice(-1000)}`);
    const [tree = '', ...names] = merged.stdout.toString('utf8').split('\0');
    return {
      tree: assertCommit(tree.trim()),
      conflicts: merged.exitCode === 0 ? [] : names.filter((name) => name !== ''),
    };
  }

  return {
    storeOf: async (sessionId, repository) => ({ gitDir: await open(sessionId, repository) }),

    async receive(sessionId, repository, snapshot, signal) {
      const gitDir = await open(sessionId, repository);
      if (!(await mirrors.resolve(repository, assertCommit(snapshot.base), signal)))
        throw baseMissing(repository, snapshot.base);
      const ref = `refs/snapshots/${assertCommit(snapshot.commit)}`;
      const bytes = await bundleOf(snapshot);
      if (!bytes) {
        const header = await headerOf(gitDir, snapshot.base);
        if (header[0] !== `tree ${snapshot.tree}`)
          throw new WorkspaceError(
            'bad_bundle',
            `The snapshot ${snapshot.commit} has no bundle, and its tree is not its base's.`,
          );
      } else if (!(await isReceived(gitDir, ref))) {
        await unpack(gitDir, snapshot, bytes, signal);
        await git.must(['update-ref', ref, snapshot.commit], { gitDir });
      }
      return { gitDir };
    },

    async withFile(sessionId, repository, commit, { path, text }) {
      const gitDir = await open(sessionId, repository);
      if (!(await mirrors.resolve(repository, assertCommit(commit)))) throw baseMissing(repository, commit);
      if (!/^[\w.-]+$/.test(path)) throw new Error(`${JSON.stringify(path)} is no file of the top directory`);
      const blob = (await git.must(['hash-object', '-w', '--stdin'], { gitDir, stdin: text })).toString().trim();
      const entries = splitRecords(await git.must(['ls-tree', '-z', commit], { gitDir }));
      // Bytes throughout: not every name is UTF-8.
      const isIt = (entry: Buffer) => entry.subarray(entry.indexOf(9) + 1).equals(Buffer.from(path));
      const there = entries.find(isIt)?.toString('latin1');
      if (there !== undefined && !there.startsWith('100'))
        throw new WorkspaceError('git_failed', `${path} of ${repository.name} is not a file.`);
      const entry = Buffer.from(`${there?.slice(0, 6) ?? '100644'} blob ${blob}\t${path}`);
      const records = [...entries.filter((each) => !isIt(each)), entry];
      const stdin = Buffer.concat(records.flatMap((record) => [record, Buffer.from([0])]));
      return { store: { gitDir }, tree: (await git.must(['mktree', '-z'], { gitDir, stdin })).toString().trim() };
    },

    async treeOf(sessionId, repository, files) {
      const gitDir = await open(sessionId, repository);
      const records: string[] = [];
      for (const { name, content } of files) {
        if (!/^[\w-][\w.-]*$/.test(name)) throw new Error(`${JSON.stringify(name)} is no file of the top directory`);
        const blob = await git.must(['hash-object', '-w', '--stdin'], { gitDir, stdin: Buffer.from(content) });
        records.push(`100644 blob ${blob.toString().trim()}\t${name}\0`);
      }
      const tree = await git.must(['mktree', '-z'], { gitDir, stdin: records.join('') });
      return { store: { gitDir }, tree: tree.toString().trim() };
    },

    async withoutCommit(sessionId, repository, { commit, onto, since }, signal) {
      const gitDir = await open(sessionId, repository);
      const found = await Promise.all(
        [commit, onto].map((each) => mirrors.resolve(repository, assertCommit(each), signal)),
      );
      const [reverted, tip] = found;
      if (!reverted || !tip) throw baseMissing(repository, reverted ? onto : commit);
      const header = await headerOf(gitDir, commit);
      const parent = since ?? header.find((line) => line.startsWith('parent '))?.slice('parent '.length);
      const before = parent === undefined ? null : await mirrors.resolve(repository, parent, signal);
      if (!before) throw baseMissing(repository, parent ?? `the parent of ${commit}`);
      const trees = { before: reverted.tree, ours: tip.tree, theirs: before.tree };
      return { store: { gitDir }, ...(await mergeTrees({ gitDir }, trees, signal)) };
    },

    async changes({ gitDir }, from, to) {
      const flags = ['-r', '-z', '--raw', '--numstat', '--no-abbrev', '-M', '-l2000', '--no-ext-diff', '--no-textconv'];
      const args = ['diff-tree', ...flags, assertCommit(from), assertCommit(to)];
      const changes = parseChanges(await git.must(args, { gitDir }));
      const blobs = changes.filter((change) => /^1[02]0/.test(change.newMode));
      const stdin = blobs.map((change) => `${change.newSha}\n`).join('');
      const said = await git.must(['cat-file', '--batch-check=%(objectsize)'], { gitDir, stdin });
      const sizes = said.toString().split('\n');
      for (const [index, change] of blobs.entries()) change.bytes = Number(sizes[index]);
      return changes;
    },

    async diff({ gitDir }, from, to, { maxBytes }) {
      const flags = ['-r', '-p', '-M', '-l2000', '--no-ext-diff', '--no-textconv', '--no-color'];
      const args = ['diff-tree', ...flags, assertCommit(from), assertCommit(to)];
      const { stdout, cut, exitCode, stderr } = await git.run(args, { gitDir, maxBytes });
      if (exitCode !== 0 && !cut) throw new WorkspaceError('git_failed', `git diff-tree failed: ${stderr.trim()}`);
      return { text: stdout.toString('utf8'), cut };
    },

    async readBlob({ gitDir }, sha, maxBytes) {
      const { stdout, cut, exitCode } = await git.run(['cat-file', 'blob', assertCommit(sha)], { gitDir, maxBytes });
      return cut || exitCode !== 0 ? null : stdout;
    },

    async pack({ gitDir }, commits, base, signal) {
      const has: string[] = [];
      for (const commit of commits) {
        const known = await git.run(['cat-file', '-e', `${assertCommit(commit)}^{commit}`], { gitDir, signal });
        if (known.exitCode === 0) has.push(commit);
      }
      return { has, pack: await packOf(gitDir, has, base, signal) };
    },

    mergeTrees,

    async snapshotOf({ gitDir }, tree, base, signal) {
      if (tree === base.tree)
        return { base: base.commit, commit: base.commit, tree, bundle: null, bytes: 0, skipped: [] };
      const commit = await bareCommit(gitDir, tree, [assertCommit(base.commit)], signal);
      const bundle = makeBundle(base.commit, commit, await packOf(gitDir, [commit], base.commit, signal));
      return { base: base.commit, commit, tree, bundle, bytes: bundle.byteLength, skipped: [] };
    },

    async commit({ gitDir }, { tree, parent, merges, message, author, date }, signal) {
      const env = {
        GIT_AUTHOR_NAME: author.name,
        GIT_AUTHOR_EMAIL: author.email,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: author.name,
        GIT_COMMITTER_EMAIL: author.email,
        GIT_COMMITTER_DATE: date,
      };
      const parents = [parent, merges ?? null].filter((each) => each !== null);
      const args = [
        'commit-tree',
        ...parents.flatMap((each) => ['-p', assertCommit(each)]),
        '-F',
        '-',
        assertCommit(tree),
      ];
      // No ref: nothing of a store is deleted but all of it.
      return (await git.must(args, { gitDir, env, signal, stdin: `${message.trimEnd()}\n` })).toString().trim();
    },
  };
}
