import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBundle } from '../../src/workspaces/bundle.ts';
import type { StoredSnapshot, Workspaces } from '../../src/workspaces/workspaces.ts';
import { createFixture, type Fixture, inside, newSession, noSetup, patience, type Upstream } from './fixture.ts';
import { kind } from './kinds.ts';

/**
 * What an agent can plant in its workspace so that ordinary git runs it. Each is a script that gets `$fire`, a command that
 * leaves a canary on whichever side it is run.
 */
const attacks: Record<string, string> = {
  'pre-commit hook': 'hook pre-commit',
  'post-checkout hook': 'hook post-checkout; hook post-index-change; hook reference-transaction',
  'pre-push hook': 'hook pre-push; hook pre-receive; hook update; hook post-update',
  'core.fsmonitor': 'git config core.fsmonitor "$fire"',
  'core.hooksPath': 'mkdir h; cp "$fire" h/pre-commit; cp "$fire" h/reference-transaction; git config core.hooksPath h',
  'clean and smudge filters':
    "git config filter.x.clean $fire; git config filter.x.smudge $fire; git config filter.x.required true; echo '* filter=x' >> .gitattributes",
  'process filter': "git config filter.x.process $fire; echo '* filter=x' >> .gitattributes",
  'filter in info/attributes':
    "git config filter.x.clean $fire; mkdir -p .git/info; echo '* filter=x' > .git/info/attributes",
  'diff textconv': "git config diff.x.textconv $fire; echo '* diff=x' >> .gitattributes",
  'diff command': "git config diff.x.command $fire; echo '* diff=x' >> .gitattributes",
  'diff.external': 'git config diff.external $fire',
  'merge driver': "git config merge.x.driver $fire; echo '* merge=x' >> .gitattributes",
  'core.sshCommand': 'git config core.sshCommand $fire; git config remote.origin.url ssh://x/y',
  'ext:: remote': 'git config protocol.ext.allow always; git config remote.origin.url "ext::$fire"',
  'upload-pack and receive-pack':
    'git config remote.origin.uploadpack $fire; git config remote.origin.receivepack $fire; git config uploadpack.packObjectsHook $fire',
  'gpg.program': 'git config gpg.program $fire; git config commit.gpgSign true; git config log.showSignature true',
  'core.editor and pager':
    'git config core.editor $fire; git config core.pager $fire; git config sequence.editor $fire; git config core.askPass $fire',
  'credential helper': 'git config credential.helper "!$fire"',
  'include.path':
    'printf "[core]\\nfsmonitor = %s\\n[filter \\"x\\"]\\nclean = %s\\n" $fire $fire > inc; git config include.path ../inc; echo "* filter=x" >> .gitattributes',
  alias: 'git config alias.add "!$fire"; git config alias.bundle "!$fire"; git config alias.status "!$fire"',
  'url rewriting': 'git config url.ext::$fire.insteadOf /; git config url.ext::$fire.pushInsteadOf /',
  'alternates and replaced objects':
    'echo /root/.git/objects >> .git/objects/info/alternates; git replace HEAD "$(git commit-tree -m x HEAD^{tree})"; echo "$(git rev-parse HEAD)" > .git/shallow',
  'a repository below':
    'git init -q sub; git -C sub config core.fsmonitor $fire; mkdir -p sub/.git/hooks; cp $fire sub/.git/hooks/post-checkout; git -C sub commit -q --allow-empty -m x',
  'a bare repository in the tree':
    'git init -q --bare bare; git -C bare config core.fsmonitor $fire; mkdir -p bare/hooks; cp $fire bare/hooks/pre-receive',
  'a link that is written through':
    'rm -rf d; ln -s "$outside" d; rm -f f; ln -s "$outside/written" f; mkdir x; echo 1 > x/y; git add -A; rm -rf x; ln -s "$outside" x',
  'git told by its environment':
    'printf "export GIT_SSH_COMMAND=%s GIT_EXTERNAL_DIFF=%s\\n" $fire $fire > ~/.profile; cp ~/.profile ~/.bashrc; printf "[core]\\nfsmonitor=%s\\n" $fire > ~/.gitconfig; mkdir -p ~/.local/bin; cp $fire ~/.local/bin/git; cp $fire ~/.local/bin/sh',
};

const title = 'what an agent plants in its workspace';
const reason = 'skipped, no sandbox works here (apt-get install bubblewrap)';

describe.skipIf(kind === 'none')(kind === 'none' ? `${title}: ${reason}` : title, () => {
  let fixture: Fixture;
  let upstream: Upstream;
  let workspaces: Workspaces;
  let base: string;
  let outside: string;

  beforeAll(async () => {
    fixture = await createFixture(kind);
    outside = join(fixture.dir, 'outside');
    mkdirSync(outside, { mode: 0o777 });
    upstream = await fixture.upstream();
    await upstream.write('f', 'one\n');
    await upstream.write('d/a', 'one\n');
    base = upstream.commit('first');
    workspaces = fixture.open();
    await workspaces.refresh(upstream.repository, upstream.location, patience());
  });
  afterAll(() => fixture.remove());

  const plant = (script: string) => `
    cat > /tmp/fire <<'END'
#!/bin/sh
echo fired >> ${outside}/canary 2>/dev/null
echo fired >> /workspace/.git/canary
exit 1
END
    chmod +x /tmp/fire; fire="$PWD/.git/fire"; cp /tmp/fire "$fire"; outside=${outside}
    hook() { mkdir -p .git/hooks; cp "$fire" ".git/hooks/$1"; }
    echo work > work.txt; echo changed >> f
    ${script}
    rm -f .git/canary`;

  const groups = Array.from({ length: Math.ceil(Object.keys(attacks).length / 5) }, (_, index) =>
    Object.entries(attacks).slice(index * 5, index * 5 + 5),
  );

  it.each(groups.map((group) => [group.map(([name]) => name).join(', '), group] as const))(
    'fires nowhere, and the work is delivered: %s',
    async (_names, group) => {
      const sessionId = newSession();
      const request = { repository: upstream.repository, base, setup: noSetup };
      const workspace = await workspaces.take({ ...request, sessionId, restore: null }, patience());
      await inside(workspace, plant(group.map(([, script]) => `(${script})`).join('\n')));
      const stored = await workspaces.keep(sessionId, await workspace.snapshot(patience()));
      // Not in the keeper's sandbox either, whose git knows nothing of the agent's configuration.
      expect(await inside(workspace, 'cat .git/canary 2>/dev/null | wc -l')).toBe('0\n');
      const store = await workspaces.receive(sessionId, upstream.repository, stored, patience());
      const changes = await workspaces.changes(store, base, stored.tree);
      expect(changes.map((change) => change.path)).toContain('work.txt');
      const patch = await workspaces.diff(store, base, stored.tree, { maxBytes: 100_000 });
      expect(patch.text).toContain('+work');
      const checkout = await workspaces.checkout({ ...request, snapshot: stored, at: 'head' }, patience());
      expect(await inside(checkout, 'cat work.txt; git status --porcelain')).toMatch(/^work\n/);
      await Promise.all([checkout.release(), workspace.close()]);
      expect(readdirSync(outside)).toEqual([]);
    },
  );

  it('a submodule that names a command to run is refused, and says so', async () => {
    const sessionId = newSession();
    const request = { sessionId, repository: upstream.repository, base, setup: noSetup };
    const workspace = await workspaces.take({ ...request, restore: null }, patience());
    const submodule = `printf '[submodule "s"]\\npath = s\\nurl = ../x\\nupdate = !%s\\n' $fire > .gitmodules`;
    await inside(workspace, plant(submodule));
    const stored = await workspaces.keep(sessionId, await workspace.snapshot(patience()));
    const receipt = workspaces.receive(sessionId, upstream.repository, stored, patience());
    await expect(receipt).rejects.toThrow(/Git refuses .*gitmodulesUpdate/s);
    await workspace.close();
  });

  it('would fire: the canaries work', async () => {
    const workspace = await workspaces.take(
      { repository: upstream.repository, base, setup: noSetup, sessionId: newSession(), restore: null },
      patience(),
    );
    await inside(workspace, `${plant(attacks['core.fsmonitor'] ?? '')}; git status >/dev/null 2>&1 || true`);
    expect(await inside(workspace, 'cat .git/canary | wc -l')).not.toBe('0\n');
    await workspace.close();
  });
});

describe('a bundle that was tampered with', () => {
  let fixture: Fixture;
  let upstream: Upstream;
  let workspaces: Workspaces;
  let base: string;

  beforeAll(async () => {
    fixture = await createFixture('none');
    upstream = await fixture.upstream();
    await upstream.write('f', 'one\n');
    base = upstream.commit('first');
    workspaces = fixture.open();
    await workspaces.refresh(upstream.repository, upstream.location, patience());
  });
  afterAll(() => fixture.remove());

  const receive = (snapshot: StoredSnapshot) =>
    workspaces.receive(newSession(), upstream.repository, snapshot, patience());
  /** A bundle of a commit made with plumbing, as nothing well-meaning would make it. */
  const bundleOf = (commit: string): StoredSnapshot => {
    upstream.git('update-ref', 'refs/made', commit);
    const file = join(fixture.dir, 'made.bundle');
    upstream.git('bundle', 'create', '-q', file, 'refs/made', `^${base}`);
    return { base, commit, tree: upstream.git('rev-parse', `${commit}^{tree}`), bundle: null, path: file };
  };
  const treeOf = (entries: string) => {
    const cwd = upstream.repository.location;
    return execFileSync('git', ['mktree', '--missing'], { cwd, input: entries, encoding: 'utf8' }).trim();
  };
  const commitOf = (tree: string, parent = base) => upstream.git('commit-tree', '-p', parent, '-m', 'x', tree);

  it.each(['.git', '.GIT', '..', '.', 'git~1'])('with an entry called %s is refused', async (name) => {
    const blob = upstream.git('rev-parse', 'HEAD:f');
    await expect(receive(bundleOf(commitOf(treeOf(`100644 blob ${blob}\t${name}\n`))))).rejects.toMatchObject({
      code: 'bad_bundle',
    });
  });

  it('that names a file it does not bring is refused', async () => {
    const missing = treeOf(`100644 blob ${'1'.repeat(40)}\tmissing\n`);
    const cwd = upstream.repository.location;
    const commit = commitOf(missing);
    const pack = execFileSync('git', ['pack-objects', '--stdout', '-q'], { cwd, input: `${commit}\n${missing}\n` });
    const header = `# v2 git bundle\n-${base} first\n${commit} refs/snapshot\n\n`;
    const bundle = Buffer.concat([Buffer.from(header), pack]);
    await expect(receive({ base, commit, tree: missing, bundle, path: null })).rejects.toMatchObject({
      code: 'bad_bundle',
    });
  });

  it('that says another base, tree or commit than it holds is refused', async () => {
    await upstream.write('f', 'two\n');
    const honest = bundleOf(upstream.commit('second'));
    await expect(receive(honest)).resolves.toMatchObject({ gitDir: expect.any(String) });
    const other = '2'.repeat(40);
    await expect(receive({ ...honest, tree: other })).rejects.toMatchObject({ code: 'bad_bundle' });
    await expect(receive({ ...honest, commit: other })).rejects.toMatchObject({ code: 'bad_bundle' });
    await expect(receive({ ...honest, base: other })).rejects.toMatchObject({ code: 'base_missing' });
    await expect(receive({ ...honest, path: null })).rejects.toMatchObject({ code: 'bad_bundle' });
    await expect(receive({ ...honest, path: '/nowhere/x.bundle' })).rejects.toThrow(/is not there/);
    upstream.git('reset', '-q', '--hard', base);
  });

  it('that is cut, or is none at all, is refused', async () => {
    await upstream.write('f', 'three\n');
    const whole = bundleOf(upstream.commit('third'));
    const bytes = execFileSync('cat', [whole.path ?? '']);
    for (const bundle of [bytes.subarray(0, 30), bytes.subarray(0, -30), Buffer.from('no bundle'), Buffer.alloc(0)])
      await expect(receive({ ...whole, path: null, bundle })).rejects.toMatchObject({ code: 'bad_bundle' });
    expect(parseBundle(bytes)).toMatchObject({
      prerequisites: [base],
      refs: [{ sha: whole.commit, name: 'refs/made' }],
    });
    upstream.git('reset', '-q', '--hard', base);
  });

  it('makes the same commit from the same things, on any machine', async () => {
    await upstream.write('f', 'four\n');
    const snapshot = bundleOf(upstream.commit('fourth'));
    const commit = {
      tree: snapshot.tree,
      parent: base,
      message: 'Do it\n\nWhy',
      author: { name: 'S', email: 's@x' },
      date: '2026-01-02T03:04:05Z',
    };
    const commits = await Promise.all([1, 2].map(async () => workspaces.commit(await receive(snapshot), commit)));
    expect(commits[0]).toBe(commits[1]);
    const store = await receive(snapshot);
    const made = await workspaces.commit(store, commit);
    const text = execFileSync('git', [`--git-dir=${store.gitDir}`, 'cat-file', 'commit', made], { encoding: 'utf8' });
    expect(text).toBe(
      `tree ${snapshot.tree}\nparent ${base}\nauthor S <s@x> 1767323045 +0000\ncommitter S <s@x> 1767323045 +0000\n\nDo it\n\nWhy\n`,
    );
    expect(existsSync(join(store.gitDir, 'hooks'))).toBe(false);
    upstream.git('reset', '-q', '--hard', base);
  });

  it('is read as data: renames, modes, binary, sizes, names', async () => {
    await upstream.write('bin', Buffer.from([0, 1, 2, 3]));
    await upstream.write('exe', '#!/bin/sh\n', 0o755);
    await upstream.write('new\nline "x"', '1\n2\n');
    await upstream.link('out', '../../etc/passwd');
    upstream.git('mv', 'f', 'moved');
    const snapshot = bundleOf(upstream.commit('fifth'));
    const store = await receive(snapshot);
    const changes = await workspaces.changes(store, base, snapshot.tree);
    const seen = changes.map(({ status, path, oldPath, newMode, bytes, added, deleted }) => [
      status,
      path,
      oldPath,
      newMode,
      bytes,
      added,
      deleted,
    ]);
    expect(seen).toEqual([
      ['A', 'bin', null, '100644', 4, null, null],
      ['A', 'exe', null, '100755', 10, 1, 0],
      ['R', 'moved', 'f', '100644', expect.any(Number), 0, 0],
      ['A', 'new\nline "x"', null, '100644', 4, 2, 0],
      ['A', 'out', null, '120000', 16, 1, 0],
    ]);
    const link = changes.find((change) => change.path === 'out');
    expect((await workspaces.readBlob(store, link?.newSha ?? '', 100))?.toString()).toBe('../../etc/passwd');
    expect(await workspaces.readBlob(store, link?.newSha ?? '', 10)).toBeNull();
    const cut = await workspaces.diff(store, base, snapshot.tree, { maxBytes: 50 });
    expect(cut).toMatchObject({ cut: true });
    expect(cut.text).toHaveLength(50);
  });
});
