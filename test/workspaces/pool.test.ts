import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox, SandboxDriver } from '../../src/sandboxes/sandbox.ts';
import type { SetupPlan, Workspaces } from '../../src/workspaces/workspaces.ts';
import { createFixture, type Fixture, inside, newSession, noSetup, patience, type Upstream } from './fixture.ts';
import { kind } from './kinds.ts';

const trees = (fixture: Fixture) => readdirSync(fixture.path('trees')).sort();
const markers = (fixture: Fixture, which: string) => readdirSync(fixture.path('markers', which));

async function prepare(fixture: Fixture): Promise<{ upstream: Upstream; base: string; workspaces: Workspaces }> {
  const upstream = await fixture.upstream();
  await upstream.write('a.txt', 'one\n');
  const base = upstream.commit('first');
  const workspaces = fixture.open();
  await workspaces.refresh(upstream.repository, upstream.location, patience());
  return { upstream, base, workspaces };
}

describe('ready workspaces', () => {
  let fixture: Fixture;
  let upstream: Upstream;
  let base: string;

  beforeAll(async () => {
    fixture = await createFixture(kind);
    ({ upstream, base } = await prepare(fixture));
  });
  afterAll(() => fixture.remove());

  it('are handed over without being made again, brought to the base that is asked for, and replaced', async () => {
    const workspaces = fixture.open({ pool: { perRepository: 1 } });
    const { repository, location } = upstream;
    await workspaces.warm(repository, base, noSetup);
    const [ready] = trees(fixture);
    const inode = statSync(fixture.path('trees', ready ?? '', 'tree')).ino;

    await upstream.write('b.txt', 'two\n');
    upstream.git('rm', '-q', 'a.txt');
    const newer = upstream.commit('second');
    upstream.git('tag', 'v2');
    await workspaces.refresh(repository, location, patience());
    const request = { sessionId: newSession(), repository, base: newer, setup: noSetup, restore: null };
    const workspace = await workspaces.take(request, patience());
    expect(workspace.mounts.some((mount) => mount.path.includes(ready ?? 'none'))).toBe(true);
    expect(statSync(fixture.path('trees', ready ?? '', 'tree')).ino).toBe(inode);
    const seen = await inside(workspace, 'ls; git status --porcelain; git rev-parse HEAD origin/main v2');
    expect(seen).toBe(`b.txt\n${[newer, newer, newer].join('\n')}\n`);
    expect((await workspace.snapshot(patience())).bundle).toBeNull();
    await workspace.close();

    await workspaces.warm(repository, newer, noSetup); // after the one that the take has begun
    expect(markers(fixture, 'ready')).toHaveLength(1);
    expect(markers(fixture, 'ready')[0]).not.toContain(ready);
    await workspaces.warm(repository, newer, { commands: ['true'], key: 'other' });
    expect(markers(fixture, 'ready')).toEqual([expect.stringContaining('.other.')]); // nobody wants the old kind
    await workspaces.close();
  });

  it('go when nobody has wanted one for long, or there is no room', async () => {
    const expiring = fixture.open({ pool: { perRepository: 1, keepForMs: -1 } });
    await expiring.resolve(upstream.repository, 'main');
    expect(markers(fixture, 'ready')).toEqual([]);
    const full = fixture.open({ pool: { perRepository: 1, diskShare: -1 } });
    await full.warm(upstream.repository, base, noSetup);
    expect(markers(fixture, 'ready')).toEqual([]);
    await Promise.all([expiring.close(), full.close()]);
  });
});

describe('many at once', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await createFixture(kind);
  });
  afterAll(() => fixture.remove());

  it('twenty takes from two workers give twenty workspaces, one of them the ready one', {
    timeout: 120_000,
  }, async () => {
    const { upstream, base } = await prepare(fixture);
    const { repository } = upstream;
    const workers = [fixture.open(), fixture.open()];
    const warming = fixture.open({ pool: { perRepository: 1 } });
    await warming.warm(repository, base, noSetup);
    const [ready = ''] = trees(fixture);
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const request = { sessionId: newSession(), repository, base, setup: noSetup, restore: null };
        return (workers[index % 2] as Workspaces).take(request, patience());
      }),
    );
    const used = taken.map((workspace) => workspace.mounts[0]?.path);
    expect(new Set(used).size).toBe(20);
    expect(used.filter((path) => path?.includes(ready))).toHaveLength(1);
    expect(trees(fixture)).toHaveLength(20);
    await Promise.all(taken.map((workspace) => workspace.close()));
  });
});

describe('what is stopped in the middle', () => {
  let fixture: Fixture;
  let upstream: Upstream;
  let base: string;
  beforeAll(async () => {
    fixture = await createFixture(kind);
    ({ upstream, base } = await prepare(fixture));
  });
  afterAll(() => fixture.remove());

  const slow: SetupPlan = { commands: ['sleep 987654 & echo begun; wait'], key: 'slow' };
  /** The driver, telling when a set-up command says something. */
  function listening(driver: SandboxDriver, heard: () => void): SandboxDriver {
    const tell = (sandbox: Sandbox): Sandbox => ({
      ...sandbox,
      exec: (argv, options) =>
        sandbox.exec(argv, {
          ...options,
          onOutput: (chunk) => {
            options.onOutput?.(chunk);
            if (Buffer.from(chunk).includes('begun')) heard();
          },
        }),
    });
    return { ...driver, open: async (spec) => tell(await driver.open(spec)) };
  }
  const running = () =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('987654');
      } catch {
        return false; // it ended meanwhile
      }
    });

  it('leaves no process and nothing on disk: by its signal, and by closing', async () => {
    for (const how of ['signal', 'close']) {
      let heard = () => {};
      const begun = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const workspaces = fixture.open({ driver: listening(fixture.driver, () => heard()) });
      const stop = new AbortController();
      const request = { sessionId: newSession(), repository: upstream.repository, base, setup: slow, restore: null };
      const taking = workspaces.take(request, stop.signal);
      const failed = expect(taking).rejects.toThrow(how === 'signal' ? 'told to' : 'the service is stopping');
      await begun;
      expect(running().length).toBeGreaterThan(0);
      if (how === 'signal') stop.abort(new Error('told to'));
      else await workspaces.close();
      await failed;
      await workspaces.close();
      expect(running()).toEqual([]);
      expect(trees(fixture)).toEqual([]);
      for (const which of ['busy', 'ready', 'sessions']) expect(markers(fixture, which)).toEqual([]);
      expect(readdirSync(fixture.path('trash'))).toEqual([]);
      expect(readdirSync(fixture.path('layers'))).toEqual([]);
    }
  });

  it('by kill -9 is thrown away by the next worker, and what was finished is there', { timeout: 60_000 }, async () => {
    const sessionId = newSession();
    const script = fileURLToPath(new URL('./killed-worker.ts', import.meta.url));
    const request = { repository: upstream.repository, base, setup: noSetup };
    const worker: ChildProcess = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    worker.stdin?.end(JSON.stringify({ kind, dir: fixture.dir, dataDir: fixture.dataDir, sessionId, request, slow }));
    try {
      const lines = createInterface({ input: worker.stdout as NodeJS.ReadableStream });
      for await (const line of lines) if (line === 'half done') break;
      expect(trees(fixture)).toHaveLength(2);
    } finally {
      worker.kill('SIGKILL');
    }
    await once(worker, 'exit');

    const workspaces = fixture.open();
    const same = await workspaces.reopen({ ...request, sessionId, tree: null }, patience());
    expect(same && (await inside(same, 'cat left.txt'))).toBe('left\n');
    expect(trees(fixture)).toHaveLength(1);
    expect(markers(fixture, 'busy')).toEqual([]);
    await same?.close();
    await workspaces.release(sessionId);
    await workspaces.close();
    expect(trees(fixture)).toEqual([]);
    if (kind === 'bubblewrap') expect(running()).toEqual([]);
  });
});

describe('sessions that rest', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await createFixture(kind);
  });
  afterAll(() => fixture.remove());

  it('count against the share of the disk, and leave nothing but the bundles that are still needed', async () => {
    const { upstream, base } = await prepare(fixture);
    const { repository } = upstream;
    const workspaces = fixture.open({ pool: { perRepository: 0, diskShare: 0 } });
    expect(await workspaces.held()).toEqual({ sessions: [], excess: 0 });
    const sessionId = newSession();
    const take = { sessionId, repository, base, setup: noSetup, restore: null };
    const workspace = await workspaces.take(take, patience());
    await workspace.close();
    const { sessions, excess } = await workspaces.held();
    expect(sessions.map(({ id }) => id)).toEqual([sessionId]);
    expect(excess).toBe(sessions[0]?.bytes);
    expect(excess).toBeGreaterThan(0);

    const snapshot = { base, commit: base, tree: base, bundle: Buffer.alloc(20_000_001), bytes: 1, skipped: [] };
    const needed = await workspaces.keep(sessionId, snapshot);
    await workspaces.keep(sessionId, { ...snapshot, commit: 'f'.repeat(40) });
    await workspaces.release(sessionId, [needed.path ?? '']);
    expect(trees(fixture)).toEqual([]);
    expect(markers(fixture, 'sessions')).toEqual([]);
    expect(readdirSync(fixture.path('bundles', sessionId))).toEqual([`${base}.bundle`]);
    expect((await workspaces.held()).excess).toBe(0);
    await workspaces.release(sessionId);
    expect(readdirSync(fixture.path('bundles'))).toEqual([]);
  });
});
