import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredSnapshot, Workspace, Workspaces } from '../../src/workspaces/workspaces.ts';
import { createFixture, type Fixture, inside, newSession, noSetup, patience, type Upstream } from './fixture.ts';
import { kinds } from './kinds.ts';

describe.each(kinds)('a workspace (%s)', (kind) => {
  let fixture: Fixture;
  let upstream: Upstream;
  let workspaces: Workspaces;
  let base: string;

  beforeAll(async () => {
    fixture = await createFixture(kind);
    upstream = await fixture.upstream();
    await upstream.write('src/a.txt', 'one\n');
    await upstream.write('run.sh', '#!/bin/sh\necho ran\n', 0o755);
    await upstream.write('.gitignore', 'ignored/\n*.log\n');
    await upstream.link('link', 'src/a.txt');
    upstream.commit('first');
    await upstream.write('src/b.txt', 'b\n');
    base = upstream.commit('second');
    upstream.git('branch', 'other', 'HEAD~');
    workspaces = fixture.open();
    await workspaces.refresh(upstream.repository, upstream.location, patience());
  });
  afterAll(() => fixture.remove());

  const take = (restore: StoredSnapshot | null = null, more: object = {}) =>
    workspaces.take(
      { sessionId: newSession(), repository: upstream.repository, base, setup: noSetup, restore, ...more },
      patience(),
    );
  const snapshotOf = async (workspace: Workspace) =>
    workspaces.keep(newSession(), await workspace.snapshot(patience()));
  /** Every path with its mode and content, `.git` and ignored files aside. */
  const listing = (workspace: Workspace | { sandbox: Workspace['sandbox'] }) =>
    inside(
      workspace,
      `find . -path ./.git -prune -o -path ./ignored -prune -o \\( -type f -printf '%P %m f ' -exec sha256sum < {} \\; \\) -o \\( -type l -printf '%P l %l\\n' \\) | LC_ALL=C sort; find . -path ./.git -prune -o -type f ! -path './ignored/*' -exec sha256sum {} + | LC_ALL=C sort`,
    );

  it('is upstream at the base, with its history, on a branch of its own', async () => {
    const sessionId = newSession();
    const workspace = await take(null, { sessionId, branch: 'shipmate/eng-1', env: { GREETING: 'hello' } });
    expect(workspace.dir).toBe(workspaces.dirOf(sessionId));
    const seen = await inside(
      workspace,
      `git status --porcelain; git rev-parse HEAD; git rev-parse --abbrev-ref HEAD; git log --format=%s; git blame --porcelain src/b.txt | grep ^author\\ ; git show origin/other:src/a.txt; ./run.sh; readlink link; echo $GREETING; git config user.name`,
    );
    expect(seen.split('\n')).toEqual([
      base,
      'shipmate/eng-1',
      'second',
      'first',
      'author Ada',
      'one',
      'ran',
      'src/a.txt',
      'hello',
      'Shipmate',
      '',
    ]);
    await workspace.close();
  });

  it('comes back from a snapshot byte for byte, whatever was done to it', async () => {
    const workspace = await take();
    await inside(
      workspace,
      `printf 'a\\r\\nb' > crlf.txt; head -c 100000 /dev/urandom > blob.bin; : > empty; chmod +x src/b.txt; chmod -x run.sh; rm src/a.txt
       ln -sfn /etc/passwd link; ln -s ../../.. out; ln -s nowhere dangling; mkdir -p ignored deep/er; echo x > ignored/x; echo x > deep/er/x.log; echo y > deep/er/y
       printf n > $'new\\nline'; printf q > '"quoted" \\ back'; printf u > $'caf\\xe9'; printf s > ' space '; printf d > -- -dash; mkdir file-or-dir; echo 1 > file-or-dir/1; printf '* filter=evil diff=evil merge=evil\\n' > deep/.gitattributes`,
    );
    const before = await listing(workspace);
    const snapshot = await snapshotOf(workspace);
    expect(snapshot.tree).not.toBe(snapshot.base);
    await workspace.close();

    const restored = await take(snapshot);
    expect(await listing(restored)).toBe(before.replace(/.*deep\/er\/x\.log.*\n/g, ''));
    expect(await inside(restored, 'git rev-parse HEAD; git diff --stat | tail -1; ls -d ignored 2>&1 || true')).toMatch(
      new RegExp(`^${base}\n 4 files changed.*\nls: `),
    );
    const again = await snapshotOf(restored);
    expect(again).toMatchObject({ tree: snapshot.tree, commit: snapshot.commit });

    await inside(restored, 'rm -rf file-or-dir; echo f > file-or-dir; rm link; mkdir link; echo in > link/in');
    const third = await take(await snapshotOf(restored));
    expect(await listing(third)).toBe(await listing(restored));
    await Promise.all([restored.close(), third.close()]);
  });

  it('whose tree is the base needs no bundle, and one whose tree is empty has one', async () => {
    const workspace = await take();
    const untouched = await workspace.snapshot(patience());
    expect(untouched).toMatchObject({ base, commit: base, bundle: null, bytes: 0, skipped: [] });
    expect(await workspace.snapshot(patience())).toEqual(untouched);
    await inside(workspace, 'rm -rf ./* .gitignore');
    const empty = await snapshotOf(workspace);
    expect(empty.tree).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
    await inside(workspace, 'git checkout -q -f .');
    expect(await workspace.snapshot(patience())).toEqual(untouched);
    const restored = await take(empty);
    expect(await inside(restored, 'ls -A')).toBe('.git\n');
    await Promise.all([workspace.close(), restored.close()]);
  });

  it('is not disturbed by what the agent does to its own repository', async () => {
    const workspace = await take();
    await inside(
      workspace,
      `echo work > work.txt; git checkout -q -b mine; git add -A; git commit -q -m mine; echo more >> work.txt; git rebase -q --root --exec true 2>/dev/null || true
       echo '*.txt' >> .git/info/exclude; git config core.excludesFile /dev/stdin; git update-index --assume-unchanged src/a.txt; echo hidden >> src/a.txt`,
    );
    const one = await snapshotOf(workspace);
    await inside(workspace, 'rm -rf .git');
    expect(await snapshotOf(workspace)).toMatchObject({ tree: one.tree, commit: one.commit });
    await inside(workspace, 'git init -q .; git add -A; git commit -q -m fresh; git gc -q --prune=now --aggressive');
    expect(await snapshotOf(workspace)).toMatchObject({ tree: one.tree });
    const restored = await take(one);
    expect(await inside(restored, 'cat work.txt src/a.txt')).toBe('work\nmore\none\nhidden\n');
    await Promise.all([workspace.close(), restored.close()]);
  });

  it('shows another repository in it as what it is, and says what it cannot take in', async () => {
    const workspace = await take();
    await inside(
      workspace,
      `git init -q nested; git -C nested -c user.name=x -c user.email=x@x commit -q --allow-empty -m x; mkdir bare; git init -q bare; echo f > bare/f; echo kept > kept.txt`,
    );
    const snapshot = await workspace.snapshot(patience());
    expect(snapshot.skipped.join()).toMatch(/bare/);
    const session = newSession();
    const stored = await workspaces.keep(session, snapshot);
    const store = await workspaces.receive(session, upstream.repository, stored, patience());
    const changes = await workspaces.changes(store, base, snapshot.tree);
    expect(changes.map(({ path, newMode }) => `${newMode} ${path}`)).toEqual(['100644 kept.txt', '160000 nested']);
    await workspace.close();
  });

  it('is received although a process was killed as it made the store', async () => {
    const workspace = await take();
    await inside(workspace, 'echo kept > kept.txt');
    const session = newSession();
    const stored = await workspaces.keep(session, await workspace.snapshot(patience()));
    const store = fixture.path('stores', `${session}.git`);
    execFileSync('git', ['init', '-q', '--bare', '--template=', store]);
    mkdirSync(`${store}/objects/info`, { recursive: true });
    writeFileSync(`${store}/objects/info/alternates`, '');
    await workspaces.receive(session, upstream.repository, stored, patience());
    const seen = execFileSync('git', [`--git-dir=${store}`, 'show', `${stored.commit}:kept.txt`]).toString();
    expect(seen).toBe('kept\n');
    await workspace.close();
  });

  it('cannot reach upstream through its objects', async () => {
    const workspace = await take();
    const mirror = readdirSync(fixture.path('mirrors'))[0] ?? '';
    const fsck = () =>
      execFileSync('git', [`--git-dir=${fixture.path('mirrors', mirror)}`, 'fsck', '--full', '--strict'], {
        stdio: 'pipe',
      });
    const links = await inside(workspace, `find .git/objects -type f -links +1; cat .git/objects/info/alternates`);
    expect(links).toBe(`${fixture.path('mirrors', mirror, 'objects')}\n`); // no file is shared by a hard link
    if (kind === 'bubblewrap') {
      const tried = await inside(
        workspace,
        `cd "$(cat .git/objects/info/alternates)"; find . -type f -exec sh -c 'chmod u+w "$1"; echo x >> "$1"; rm -f "$1"' sh {} \\; 2>&1 | sed 's/.*: //' | sort -u; touch x 2>&1 || true`,
      );
      expect(tried).toMatch(/Read-only file system|Permission denied/);
    }
    await inside(workspace, 'git gc -q --prune=now; git prune; rm -rf .git/objects');
    fsck();
    await workspace.close();
  });

  it('is there again after a restart, and only for the same base and set-up', async () => {
    const sessionId = newSession();
    const request = { sessionId, repository: upstream.repository, base, setup: noSetup };
    const workspace = await workspaces.take({ ...request, restore: null }, patience());
    await inside(workspace, 'echo half > half.txt; mkdir -p ignored; echo i > ignored/i');
    const other = fixture.open(); // the first one was killed: nothing of it was closed
    const same = await other.reopen({ ...request, tree: null }, patience());
    expect(same?.dir).toBe(workspace.dir);
    expect(same && (await inside(same, 'cat half.txt ignored/i'))).toBe('half\ni\n');
    expect((await same?.snapshot(patience()))?.bundle).not.toBeNull();
    expect(await other.reopen({ ...request, sessionId: newSession(), tree: null }, patience())).toBeNull();
    expect(await other.reopen({ ...request, setup: { commands: [], key: 'else' }, tree: null }, patience())).toBeNull();
    const earlier = upstream.git('rev-parse', `${base}~`);
    expect(await other.reopen({ ...request, base: earlier, tree: null }, patience())).toBeNull();
    expect(await other.reopen({ ...request, tree: randomUUID() }, patience()), 'somebody replaced it').toBeNull();
    await same?.close();
    await other.release(sessionId);
    expect(await other.reopen({ ...request, tree: null }, patience())).toBeNull();
    await workspace.close();
  });

  it('is left as it is by one who was replaced while he took his own', async () => {
    const sessionId = newSession();
    const request = { sessionId, repository: upstream.repository, base, setup: noSetup, restore: null };
    const confirm = async () => {
      throw new Error('it is not yours any more');
    };
    const theirs = await workspaces.take(request, patience());
    await inside(theirs, 'echo theirs > theirs.txt');
    await expect(workspaces.take({ ...request, confirm }, patience())).rejects.toThrow('not yours');

    // He had begun before them, and goes on after them.
    let asked = 0;
    let went = () => {};
    const gone = new Promise<void>((resolve) => {
      went = resolve;
    });
    const late = async () => {
      if (++asked === 1) return;
      await gone;
      throw new Error('it is not yours any more');
    };
    const frozen = workspaces.take({ ...request, confirm: late }, patience());
    frozen.catch(() => {});
    await expect.poll(() => asked).toBe(2);
    const next = await workspaces.take(request, patience());
    await inside(next, 'echo next > next.txt');
    went();
    await expect(frozen).rejects.toThrow('not yours');
    const same = await workspaces.reopen({ ...request, tree: next.tree }, patience());
    expect(same && (await inside(same, 'cat next.txt'))).toBe('next\n');
    for (const each of [theirs, next, same]) await each?.close();
    await workspaces.release(sessionId);
  });

  it('can be checked out clean: base or head, with single files from the other side', async () => {
    const workspace = await take();
    await inside(
      workspace,
      'echo two > src/a.txt; rm src/b.txt; echo new > new.txt; mkdir -p ignored; echo i > ignored/i',
    );
    const snapshot = await snapshotOf(workspace);
    const request = { repository: upstream.repository, base, setup: noSetup, snapshot };

    const head = await workspaces.checkout({ ...request, at: 'head' }, patience());
    expect(
      await inside(
        head,
        'git status --porcelain; git rev-parse HEAD; cat src/a.txt; ls; echo e > $SHIPMATE_EVIDENCE/e.txt',
      ),
    ).toBe(`${snapshot.commit}\ntwo\nlink\nnew.txt\nrun.sh\nsrc\n`);
    expect(readFileSync(`${head.evidenceDir}/e.txt`, 'utf8')).toBe('e\n');

    const mixed = await workspaces.checkout(
      {
        ...request,
        at: 'head',
        overlay: [
          { path: 'src/a.txt', from: 'base' },
          { path: 'src/b.txt', from: 'base' },
          { path: 'new.txt', from: 'base' },
          { path: 'link', from: 'absent' },
        ],
        files: [{ path: 'run.sh/reporter.mjs', content: 'export {};\n' }],
      },
      patience(),
    );
    expect(await inside(mixed, 'cat src/a.txt src/b.txt run.sh/reporter.mjs; ls')).toBe(
      'one\nb\nexport {};\nrun.sh\nsrc\n',
    );

    const reproduction = await workspaces.checkout(
      { ...request, at: 'base', overlay: [{ path: 'new.txt', from: 'head' }] },
      patience(),
    );
    expect(await inside(reproduction, 'cat src/a.txt new.txt; ls src')).toBe('one\nnew\na.txt\nb.txt\n');
    const plain = await workspaces.checkout({ ...request, snapshot: null, at: 'base' }, patience());
    expect(await inside(plain, 'git status --porcelain; git rev-parse HEAD')).toBe(`${base}\n`);

    const trees = readdirSync(fixture.path('trees')).length;
    await Promise.all([head, mixed, reproduction, plain].map((checkout) => checkout.release()));
    expect(readdirSync(fixture.path('trees'))).toHaveLength(trees - 4);
    await expect(
      workspaces.checkout({ ...request, at: 'base', files: [{ path: '../../escape', content: 'x' }] }, patience()),
    ).rejects.toMatchObject({ code: 'git_failed' });
    expect(readdirSync(fixture.path('trees'))).toHaveLength(trees - 4);
    await workspace.close();
  });
});
