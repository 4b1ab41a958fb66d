import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, type TestContext, test } from 'vitest';
import type { BranchPush, CodeHost, PullRequestInput } from '../../src/code-hosts/code-host.ts';
import type { PullRequest } from '../../src/core/pull-request.ts';
import type { Repository } from '../../src/core/repository.ts';
import { runProcess } from '../../src/lib/process.ts';

/** A code host with one repository that has a base branch, our own bare copy of it, and what can be seen from outside. */
export interface CodeHostWorld {
  host: CodeHost;
  /** Without a `base`: the host's default branch, which has one commit or more. */
  repository: Repository;
  missing: Repository;
  defaultBranch: string;
  /** The address that its files' permalinks begin with, up to the commit; null: people see them nowhere. */
  permalinks: string | null;
  /** A bare repository of ours that holds the default branch's commits. */
  gitDir: string;
  /** A new commit on the default branch, in `gitDir` only. */
  commit(): Promise<string>;
  outside: {
    /** Where a branch is; null when there is none. */
    branch(name: string): Promise<string | null>;
    pullRequests(): Promise<Pick<PullRequest, 'number' | 'title' | 'body' | 'head' | 'base'>[]>;
  };
  person: {
    /** Moves or makes a branch; null deletes it. The commit is one that was pushed before. */
    setBranch(name: string, commit: string | null): Promise<void>;
    merge(pullRequest: PullRequest): Promise<void>;
  };
  close(): Promise<void>;
}

const never = new AbortController().signal;
const odd = 'Zeile\n\n- [ ] "quotes" \\ <b>&amp;</b> 🚢 \u202Eright to left\u202C עברית e\u0301';

/**
 * What every code host must do. `skips` names a test by its title and says why this host cannot pass it; the reason is
 * printed with the result.
 */
export function codeHostContract(
  name: string,
  setup: () => Promise<CodeHostWorld>,
  skips: Record<string, string> = {},
): void {
  describe(`code host contract: ${name}`, () => {
    const unused = new Set(Object.keys(skips));
    let world: CodeHostWorld;
    beforeAll(async () => {
      world = await setup();
    });
    afterAll(async () => {
      await world?.close();
    });

    function contract(title: string, work: (context: TestContext) => Promise<void>): void {
      const reason = skips[title];
      unused.delete(title);
      test(title, (context) => (reason === undefined ? work(context) : context.skip(reason)));
    }

    const newBranch = () => `shipmate/${randomUUID()}`;
    const push = (branch: string, commit: string, expected: string | null) =>
      world.host.pushBranch(world.repository, { gitDir: world.gitDir, branch, commit, expected }, never);
    const open = (input: PullRequestInput) => world.host.openPullRequest(world.repository, input, never);
    const read = (number: number) => world.host.readPullRequest(world.repository, number, never);
    const conflict = { name: 'VendorError', code: 'conflict', retryable: false };
    const invalid = { name: 'VendorError', code: 'invalid', retryable: false };

    /** A branch with one commit, and the request to open a pull request from it. */
    async function pushed(): Promise<{ branch: string; commit: string; input: PullRequestInput }> {
      const branch = newBranch();
      const commit = await world.commit();
      await push(branch, commit, null);
      const input = {
        id: randomUUID(),
        title: `Title ${branch}`,
        body: 'Body',
        base: world.defaultBranch,
        head: branch,
        draft: false,
      };
      return { branch, commit, input };
    }

    const openFrom = async (branch: string) =>
      (await world.outside.pullRequests()).filter((pullRequest) => pullRequest.head === branch);

    contract('git reads from where a repository is located', async ({ expect }) => {
      const location = await world.host.locate(world.repository, never);
      expect(location.defaultBranch).toBe(world.defaultBranch);
      const dir = await mkdtemp(join(tmpdir(), 'shipmate-clone-'));
      try {
        const env = { ...location.env, GIT_TERMINAL_PROMPT: '0' };
        const cloned = await runProcess(['git', 'clone', '--quiet', '--bare', location.url, dir], { env });
        expect(cloned).toMatchObject({ exitCode: 0 });
        const head = await runProcess(['git', `--git-dir=${dir}`, 'rev-parse', world.defaultBranch]);
        expect(head.stdout.toString().trim()).toBe(await world.outside.branch(world.defaultBranch));
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    });

    contract('lines of a file have an address for ever, or none at all', async ({ expect }) => {
      const commit = await world.commit();
      const { permalinks, repository } = world;
      const link = (path: string, from: number | null = null, to: number | null = null, at = commit) =>
        world.host.linkTo(repository, { commit: at, path, from, to });
      const expected = (rest: string) => permalinks && `${permalinks}/${commit}/${rest}`;
      expect(link('src/a.ts', 3, 9)).toBe(expected('src/a.ts#L3-L9'));
      for (const to of [null, 3, 1]) expect(link('src/a.ts', 3, to)).toBe(expected('src/a.ts#L3'));
      expect(link('src/a.ts')).toBe(expected('src/a.ts'));
      expect(link('docs/Read me.MD', 3)).toBe(expected('docs/Read%20me.MD?plain=1#L3'));
      expect(link('README.md')).toBe(expected('README.md'));
      expect(link('a b/#1?%41 🚢\ud800"<é>.ts', 1)).toBe(
        expected('a%20b/%231%3F%2541%20%F0%9F%9A%A2%EF%BF%BD%22%3C%C3%A9%3E.ts#L1'),
      );
      for (const path of ['', '/etc/passwd', '../x', 'a/../../x', './x', 'a//b']) expect(link(path), path).toBe(null);
      for (const at of ['', 'main', '../..', `${commit}/x`]) expect(link('a.ts', 1, 2, at), at).toBe(null);
    });

    contract('a repository that does not exist is not found', async ({ expect }) => {
      const missing = { name: 'VendorError', code: 'not_found', retryable: false };
      const { base, head, ...rest } = (await pushed()).input;
      const { host, gitDir } = world;
      await expect(host.locate(world.missing, never)).rejects.toMatchObject(missing);
      await expect(
        host.pushBranch(
          world.missing,
          { gitDir, branch: newBranch(), commit: await world.commit(), expected: null },
          never,
        ),
      ).rejects.toMatchObject(missing);
      await expect(host.openPullRequest(world.missing, { base, head, ...rest }, never)).rejects.toMatchObject(missing);
      await expect(host.readPullRequest(world.missing, 1, never)).rejects.toMatchObject(missing);
    });

    contract('a new branch is pushed, and pushing it again is success', async ({ expect }) => {
      const [branch, commit] = [newBranch(), await world.commit()];
      expect(await push(branch, commit, null)).toEqual({ commit });
      expect(await world.outside.branch(branch)).toBe(commit);
      expect(await push(branch, commit, null)).toEqual({ commit });
      expect(await push(branch, commit, commit)).toEqual({ commit });
      expect(await push(branch, commit, await world.commit())).toEqual({ commit });
    });

    contract(
      'a branch moves from where we left it, to a commit that does not follow from there too',
      async ({ expect }) => {
        const { branch, commit } = await pushed();
        const beside = await world.commit();
        await push(branch, beside, commit);
        expect(await world.outside.branch(branch)).toBe(beside);
      },
    );

    contract('a branch that is anywhere else is a conflict and stays', async ({ expect }) => {
      const { branch, commit } = await pushed();
      const [mine, elsewhere] = [await world.commit(), await world.commit()];
      await expect(push(branch, mine, null)).rejects.toMatchObject(conflict);
      await expect(push(branch, mine, elsewhere)).rejects.toMatchObject(conflict);
      expect(await world.outside.branch(branch)).toBe(commit);
    });

    contract('a branch that a person deleted or moved is a conflict', async ({ expect }) => {
      const { branch, commit } = await pushed();
      const other = await pushed();
      const mine = await world.commit();
      await world.person.setBranch(branch, other.commit);
      await expect(push(branch, mine, commit)).rejects.toMatchObject(conflict);
      expect(await world.outside.branch(branch)).toBe(other.commit);
      await world.person.setBranch(branch, null);
      await expect(push(branch, mine, commit)).rejects.toMatchObject(conflict);
      expect(await world.outside.branch(branch)).toBeNull();
    });

    contract('five equal pushes at once all succeed', async ({ expect }) => {
      const [branch, commit] = [newBranch(), await world.commit()];
      const answers = await Promise.all(Array.from({ length: 5 }, () => push(branch, commit, null)));
      expect(answers).toEqual(Array.from({ length: 5 }, () => ({ commit })));
    });

    contract('of five different pushes at once one succeeds', async ({ expect }) => {
      const { branch, commit } = await pushed();
      const commits = [];
      for (let made = 0; made < 5; made++) commits.push(await world.commit());
      const results = await Promise.allSettled(commits.map((mine) => push(branch, mine, commit)));
      const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.commit] : []));
      expect(won).toEqual([await world.outside.branch(branch)]);
      for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(conflict);
    });

    contract('the base branch is never pushed to', async ({ expect }) => {
      const { host, repository, gitDir, defaultBranch } = world;
      const before = await world.outside.branch(defaultBranch);
      const commit = await world.commit();
      const release = newBranch();
      const withBase = { ...repository, base: release };
      for (const expected of [null, before])
        await expect(push(defaultBranch, commit, expected)).rejects.toMatchObject(invalid);
      for (const branch of [release, defaultBranch])
        await expect(
          host.pushBranch(withBase, { gitDir, branch, commit, expected: null }, never),
        ).rejects.toMatchObject(invalid);
      expect(await world.outside.branch(defaultBranch)).toBe(before);
      expect(await world.outside.branch(release)).toBeNull();
    });

    contract('a name that is no branch is refused', async ({ expect }) => {
      const commit = await world.commit();
      const { defaultBranch } = world;
      const names = [
        '',
        ' ',
        'HEAD',
        '@',
        '-x',
        '--delete',
        'a b',
        'a..b',
        'a.lock',
        'a/',
        '/a',
        'a//b',
        'a\nb',
        'a\0b',
      ];
      names.push(
        'a:b',
        'a^',
        'a~1',
        'a*',
        'a?',
        'a[',
        'a\\b',
        'a@{0}',
        `refs/heads/${defaultBranch}`,
        `x/../${defaultBranch}`,
      );
      for (const branch of names)
        await expect(push(branch, commit, null), JSON.stringify(branch)).rejects.toMatchObject(invalid);
    });

    contract('what is not a commit of ours is refused', async ({ expect }) => {
      const branch = newBranch();
      for (const commit of ['', 'HEAD', '--all', '0'.repeat(39), 'f'.repeat(40)])
        await expect(push(branch, commit, null), commit).rejects.toMatchObject(invalid);
      await expect(push(branch, await world.commit(), 'main')).rejects.toMatchObject(invalid);
      expect(await world.outside.branch(branch)).toBeNull();
    });

    contract('a pull request is opened and read', async ({ expect }) => {
      const { branch, input } = await pushed();
      const opened = await open({ ...input, title: 'A ship 🚢', body: odd, draft: true });
      expect(opened).toEqual({
        repository: world.repository.name,
        number: expect.any(Number),
        url: expect.stringContaining(String(opened.number)),
        title: 'A ship 🚢',
        body: odd,
        base: world.defaultBranch,
        head: branch,
        state: 'open',
        draft: true,
      });
      expect(URL.canParse(opened.url)).toBe(true);
      expect(await read(opened.number)).toEqual(opened);
    });

    contract('the same request, again and at once, opens one pull request', async ({ expect }) => {
      const { branch, input } = await pushed();
      const opened = await Promise.all(Array.from({ length: 5 }, () => open(input)));
      for (const again of [...opened, await open(input)]) expect(again).toEqual(opened[0]);
      expect(await openFrom(branch)).toHaveLength(1);
    });

    contract('different requests at once for one branch open one pull request', async ({ expect }) => {
      const { branch, input } = await pushed();
      const opened = await Promise.all(Array.from({ length: 5 }, () => open({ ...input, id: randomUUID() })));
      expect(new Set(opened.map((pullRequest) => pullRequest.number)).size).toBe(1);
      expect(await openFrom(branch)).toHaveLength(1);
    });

    contract('a later request updates title and body', async ({ expect }) => {
      const { branch, commit, input } = await pushed();
      const first = await open(input);
      await push(branch, await world.commit(), commit);
      const second = await open({ ...input, id: randomUUID(), title: 'Better', body: odd });
      expect(second).toMatchObject({ number: first.number, url: first.url, title: 'Better', body: odd, state: 'open' });
      expect(await open(input), 'the first request, held up until now').toEqual(second);
      expect(await read(first.number)).toEqual(second);
      expect(await openFrom(branch)).toMatchObject([{ number: first.number, title: 'Better', body: odd }]);
    });

    contract('a later request for another base moves the open one', async ({ expect }) => {
      const { branch, commit, input } = await pushed();
      const below = newBranch();
      await push(below, await world.commit(), null);
      const first = await open({ ...input, base: below });
      expect(first.base).toBe(below);
      await push(branch, await world.commit(), commit);
      const second = await open({ ...input, id: randomUUID() });
      expect(second).toMatchObject({ number: first.number, base: world.defaultBranch, state: 'open' });
      expect(await read(first.number)).toEqual(second);
      expect(await openFrom(branch)).toMatchObject([{ number: first.number, base: world.defaultBranch }]);
    });

    contract('branches at once get pull requests of their own', async ({ expect }) => {
      const inputs = [];
      for (let made = 0; made < 5; made++) inputs.push((await pushed()).input);
      const opened = await Promise.all(inputs.map(open));
      expect(new Set(opened.map((pullRequest) => pullRequest.number)).size).toBe(5);
      expect(new Set(opened.map((pullRequest) => pullRequest.url)).size).toBe(5);
      for (const [index, input] of inputs.entries()) expect(opened[index]).toMatchObject({ head: input.head });
    });

    contract('a merge is seen; what comes after it is a new pull request', async ({ expect }) => {
      const { branch, commit, input } = await pushed();
      const first = await open(input);
      await world.person.merge(first);
      expect(await open(input), 'the request that is sent again').toMatchObject({
        number: first.number,
        state: 'merged',
      });
      await push(branch, await world.commit(), commit);
      const second = await open({ ...input, id: randomUUID() });
      expect(second).toMatchObject({ state: 'open', head: branch });
      expect(second.number).not.toBe(first.number);
      expect(await read(first.number)).toMatchObject({ state: 'merged' });
    });

    contract('a pull request needs a branch with something new', async ({ expect }) => {
      const { input } = await pushed();
      await expect(open({ ...input, head: newBranch() })).rejects.toMatchObject(invalid);
      await expect(open({ ...input, base: newBranch() })).rejects.toMatchObject(invalid);
      await expect(open({ ...input, head: world.defaultBranch })).rejects.toMatchObject(invalid);
    });

    contract('a pull request that does not exist is not found', async ({ expect }) => {
      for (const number of [0, -1, 1.5, 999_999, 2 ** 40, Number.NaN])
        await expect(read(number), String(number)).rejects.toMatchObject({ name: 'VendorError', code: 'not_found' });
    });

    contract('a signal that has fired stops it before anything is written', async ({ expect }) => {
      const { host, repository, gitDir } = world;
      const { branch: head, input } = await pushed();
      const fired = AbortSignal.abort();
      const branch = newBranch();
      const request: BranchPush = { gitDir, branch, commit: await world.commit(), expected: null };
      const aborted = { name: 'AbortError' };
      await expect(host.locate(repository, fired)).rejects.toMatchObject(aborted);
      await expect(host.pushBranch(repository, request, fired)).rejects.toMatchObject(aborted);
      await expect(host.openPullRequest(repository, input, fired)).rejects.toMatchObject(aborted);
      await expect(host.readPullRequest(repository, 1, fired)).rejects.toMatchObject(aborted);
      expect(await world.outside.branch(branch)).toBeNull();
      expect(await openFrom(head)).toEqual([]);
    });

    contract('the check says that all is well', async ({ expect }) => {
      const checks = await world.host.check();
      expect(checks.length).toBeGreaterThan(0);
      for (const check of checks) expect(check).toMatchObject({ status: 'ok', message: expect.any(String) });
    });

    test('each declared skip names a test', ({ expect }) => {
      expect([...unused]).toEqual([]);
    });
  });
}
