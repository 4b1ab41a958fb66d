import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFixture, type Fixture, newSession, noSetup, patience } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture('none');
});
afterAll(() => fixture.remove());

const mirrorGit = (...args: string[]) => {
  const [mirror = ''] = readdirSync(fixture.path('mirrors')).filter((name) => name.startsWith('rewritten'));
  return execFileSync('git', [`--git-dir=${fixture.path('mirrors', mirror)}`, ...args], { encoding: 'utf8' }).trim();
};

describe('a mirror', () => {
  it('knows branches, tags and commits, and reads files that are files', async () => {
    const upstream = await fixture.upstream('reading');
    await upstream.write('a.txt', 'one\n');
    await upstream.write('with\nnewline/ü "x".txt', 'odd\n');
    await upstream.write('big.txt', 'x'.repeat(1_000_001));
    await upstream.link('link', 'a.txt');
    await upstream.link('dir', 'with\nnewline');
    const commit = upstream.commit('first');
    upstream.git('branch', 'feature/x');
    upstream.git('tag', '-a', 'v1', '-m', 'v1');
    const workspaces = fixture.open();
    const { repository } = upstream;
    await workspaces.refresh(repository, upstream.location, patience());

    const expected = { commit, tree: upstream.git('rev-parse', 'HEAD^{tree}') };
    for (const ref of ['main', 'feature/x', 'v1', commit])
      expect(await workspaces.resolve(repository, ref)).toEqual(expected);
    for (const ref of ['nope', 'HEAD', '', '--all', 'a\nmain', 'f'.repeat(40), commit.slice(0, 10), '../main'])
      expect(await workspaces.resolve(repository, ref), ref).toBeNull();

    const files = await workspaces.listFiles(repository, commit);
    expect(files.map((file) => file.path)).toEqual(['a.txt', 'big.txt', 'dir', 'link', 'with\nnewline/ü "x".txt']);
    expect(await workspaces.readFile(repository, commit, 'a.txt')).toBe('one\n');
    expect(await workspaces.readFile(repository, commit, 'with\nnewline/ü "x".txt')).toBe('odd\n');
    for (const path of [
      'link',
      'dir',
      'dir/ü "x".txt',
      'nope',
      '',
      '../a.txt',
      '/etc/passwd',
      'big.txt',
      '*.txt',
      ':(top)a.txt',
    ])
      expect(await workspaces.readFile(repository, commit, path), path).toBeNull();
    expect(await workspaces.readFile(repository, commit, 'big.txt', 2_000_000)).toHaveLength(1_000_001);
  });

  it('of a repository without a commit knows nothing, and is no error', async () => {
    const upstream = await fixture.upstream('empty');
    const workspaces = fixture.open();
    expect(await workspaces.resolve(upstream.repository, 'main')).toBeNull();
    await workspaces.refresh(upstream.repository, upstream.location, patience());
    expect(await workspaces.resolve(upstream.repository, 'main')).toBeNull();
    const request = { sessionId: newSession(), repository: upstream.repository, base: 'a'.repeat(40), setup: noSetup };
    await expect(workspaces.take({ ...request, restore: null }, patience())).rejects.toMatchObject({
      code: 'base_missing',
    });
  });

  it('follows a rewritten and a deleted branch, and keeps the base of a session through it and through gc', async () => {
    const upstream = await fixture.upstream('rewritten');
    await upstream.write('a.txt', 'one\n');
    upstream.commit('first');
    await upstream.write('a.txt', 'two\n');
    const base = upstream.commit('second');
    upstream.git('branch', 'gone');
    const { repository, location } = upstream;
    const workspaces = fixture.open();
    await workspaces.refresh(repository, location, patience());
    const sessionId = newSession();
    const request = { sessionId, repository, base, setup: noSetup };
    await (await workspaces.take({ ...request, restore: null }, patience())).close();

    upstream.git('reset', '--quiet', '--hard', 'HEAD~');
    await upstream.write('a.txt', 'three\n');
    const rewritten = upstream.commit('other second');
    upstream.git('branch', '-D', 'gone');
    upstream.git('branch', 'gone/below');
    await workspaces.refresh(repository, location, patience());
    expect(await workspaces.resolve(repository, 'main')).toMatchObject({ commit: rewritten });
    expect(await workspaces.resolve(repository, 'gone')).toBeNull();
    expect(await workspaces.resolve(repository, 'gone/below')).not.toBeNull();

    mirrorGit('gc', '--quiet', '--prune=now');
    expect(await workspaces.resolve(repository, base)).toMatchObject({ commit: base });
    await workspaces.release(sessionId);
    mirrorGit('gc', '--quiet', '--prune=now');
    const again = await workspaces.take({ ...request, restore: null }, patience()); // taken up again after a rest
    await again.close();

    await workspaces.forget(sessionId, repository);
    await workspaces.close();
    const next = fixture.open(); // what a closed worker's trees stood on is let go
    await next.resolve(repository, 'main');
    mirrorGit('gc', '--quiet', '--prune=now');
    expect(await next.resolve(repository, base)).toBeNull();
    expect(mirrorGit('for-each-ref', '--format=%(refname)').split('\n')).toEqual([
      'refs/heads/gone/below',
      'refs/heads/main',
    ]);
  });

  it('is fetched once for many who ask at once, and again for whoever asks later', async () => {
    const upstream = await fixture.upstream('shared');
    await upstream.write('a.txt', 'one\n');
    upstream.commit('first');
    const trace = `${fixture.dir}/trace`;
    const location = { ...upstream.location, env: { GIT_TRACE2_EVENT: trace } };
    const fetches = () => readFileSync(trace, 'utf8').match(/"event":"cmd_name".*"name":"fetch"/g)?.length;
    const workspaces = fixture.open();
    await Promise.all(Array.from({ length: 10 }, () => workspaces.refresh(upstream.repository, location, patience())));
    expect(fetches()).toBeLessThanOrEqual(2); // who comes while one is under way shares the next
    const before = fetches() ?? 0;
    await upstream.write('a.txt', 'two\n');
    const second = upstream.commit('second');
    await workspaces.refresh(upstream.repository, location, patience());
    expect(fetches()).toBe(before + 1);
    expect(await workspaces.resolve(upstream.repository, 'main')).toMatchObject({ commit: second });
  });

  it('says what is wrong with an upstream that cannot be fetched, without its credentials', async () => {
    const { repository } = await fixture.upstream('missing');
    const workspaces = fixture.open();
    const gone = { url: `${fixture.dir}/nowhere.git`, env: {} };
    await expect(workspaces.refresh(repository, gone, patience())).rejects.toMatchObject({
      name: 'VendorError',
      code: 'not_found',
      retryable: false,
    });
    const closed = { url: 'http://ada:hunter2@127.0.0.1:1/x.git', env: {} };
    const failure = await workspaces.refresh(repository, closed, patience()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'unavailable', retryable: true });
    expect(String(failure)).not.toContain('hunter2');
    await expect(
      workspaces.refresh(repository, { url: 'ext::sh -c "touch /tmp/x"', env: {} }, patience()),
    ).rejects.toThrow(/not allowed/);
  });

  it('stops a fetch that nobody waits for any more', async () => {
    const { repository } = await fixture.upstream('silent');
    let connections = 0;
    const silent = createServer((socket) => {
      connections += 1;
      socket.on('error', () => {});
      socket.resume();
      accepted();
      socket.on('close', () => ended());
    });
    let accepted = () => {};
    let ended = () => {};
    const connected = new Promise<void>((resolve) => {
      accepted = resolve;
    });
    const hungUp = new Promise<void>((resolve) => {
      ended = resolve;
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const workspaces = fixture.open();
    const [one, two] = [new AbortController(), new AbortController()];
    const location = { url: `http://127.0.0.1:${port}/x.git`, env: {} };
    const fetches = [one, two].map((stop) => workspaces.refresh(repository, location, stop.signal));
    const results = Promise.allSettled(fetches);
    await connected;
    one.abort(new Error('one left'));
    await expect(fetches[0]).rejects.toThrow('one left');
    two.abort(new Error('two left'));
    await hungUp;
    expect((await results).map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(connections).toBeGreaterThan(0);
    silent.close();
  });
});
