import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandboxDriver } from '../src/sandboxes/index.ts';
import type { Sandbox } from '../src/sandboxes/sandbox.ts';
import { createWorkspaces, type SetupPlan, type Workspaces } from '../src/workspaces/workspaces.ts';
import { median, ms, type Row, time } from './figures.ts';

const files = 20_000;
const atOnce = 20;
const setup: SetupPlan = { commands: [], key: 'none' };

/** Hand-over, snapshot and receipt of workspaces of a repository with 20,000 files, in a temporary directory. */
export async function benchWorkspaces(): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-bench-'));
  await chmod(dir, 0o755);
  await mkdir(join(dir, 'tmp'));
  const driver = createSandboxDriver({
    kind: 'bubblewrap',
    options: {
      uid: 65534,
      readOnlyPaths: [],
      limits: { memoryBytes: null, processes: null },
      searchPath: '/usr/local/bin:/usr/bin:/bin',
      tempDir: join(dir, 'tmp'),
    },
  });
  const open = (name: string, perRepository: number) =>
    createWorkspaces({ dataDir: join(dir, name), driver, pool: { perRepository } });
  const all: Workspaces[] = [];
  try {
    const base = generate(join(dir, 'upstream.git'));
    const repository = { name: 'bench', codeHost: 'local-git', location: dir, base: null };
    const location = { url: join(dir, 'upstream.git'), env: {} };
    const signal = AbortSignal.timeout(600_000);
    const request = () => ({ sessionId: randomUUID(), repository, base, setup, restore: null });

    const cold = open('data', 0);
    all.push(cold);
    const fetched = await time(() => cold.refresh(repository, location, signal));
    await cold.take(request(), signal); // the first one looks at the sandbox
    const coldTakes = await repeat(3, () => cold.take(request(), signal));
    const exhausted = await time(() => Promise.all(Array.from({ length: atOnce }, () => cold.take(request(), signal))));
    await cold.close();

    const warm = open('data', 1);
    all.push(warm);
    await warm.warm(repository, base, setup);
    const warmTakes: number[] = [];
    let workspace = await warm.take(request(), signal);
    for (let round = 0; round < 5; round++) {
      await warm.warm(repository, base, setup);
      warmTakes.push(
        await time(async () => {
          workspace = await warm.take(request(), signal);
        }),
      );
    }

    const sessionId = randomUUID();
    const snapshots: number[] = [];
    const receipts: number[] = [];
    let unchanged = 0;
    for (let round = 0; round < 5; round++) {
      await run(workspace.sandbox, `echo ${round} | tee -a d1/f1.ts d200/f2.ts new${round}.ts`, signal);
      let snapshot = await workspace.snapshot(signal); // warms what git caches
      await run(workspace.sandbox, `echo more${round} >> d3/f1.ts`, signal);
      snapshots.push(
        await time(async () => {
          snapshot = await workspace.snapshot(signal);
        }),
      );
      unchanged = await time(() => workspace.snapshot(signal));
      const stored = await warm.keep(sessionId, snapshot);
      receipts.push(await time(() => warm.receive(sessionId, repository, stored, signal)));
    }
    return [
      { figure: `first fetch of the mirror, ${files} files`, goal: 'reported', value: ms(fetched) },
      { figure: `workspace handed over, ${files} files: warm`, goal: '50 ms', value: ms(median(warmTakes)) },
      { figure: `workspace handed over, ${files} files: cold`, goal: 'reported', value: ms(median(coldTakes)) },
      {
        figure: `pool exhausted, ${atOnce} at once: until the last one has its workspace`,
        goal: 'reported',
        value: ms(exhausted),
      },
      { figure: `snapshot of 5 changed files in ${files}`, goal: 'reported', value: ms(median(snapshots)) },
      { figure: 'snapshot when nothing changed', goal: 'reported', value: ms(unchanged) },
      { figure: 'snapshot received and checked on our side', goal: 'reported', value: ms(median(receipts)) },
    ];
  } finally {
    await Promise.all(all.map((workspaces) => workspaces.close()));
    await rm(dir, { recursive: true, force: true });
  }
}

async function run(sandbox: Sandbox, script: string, signal: AbortSignal): Promise<void> {
  const limits = { timeoutMs: 60_000, maxOutputBytes: 1_000_000 };
  const { exitCode, stderr } = await sandbox.exec(['sh', '-ec', script], { signal, limits });
  if (exitCode !== 0) throw new Error(`${script}: ${Buffer.from(stderr).toString('utf8')}`);
}

function generate(gitDir: string): string {
  const git = (args: string[], input?: string) =>
    execFileSync('git', [`--git-dir=${gitDir}`, ...args], { input, maxBuffer: 1e9, stdio: ['pipe', 'pipe', 'ignore'] })
      .toString()
      .trim();
  git(['init', '--quiet', '--bare', '--initial-branch=main']);
  const parts = ['commit refs/heads/main\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 5\nfirst\n'];
  for (let index = 0; index < files; index++) {
    const line = `export const value${index} = ${index};\n`;
    const text = line.repeat(20 + (index % 60));
    parts.push(`M 100644 inline d${index % 400}/f${Math.floor(index / 400)}.ts\ndata ${text.length}\n${text}\n`);
  }
  git(['fast-import', '--quiet'], parts.join(''));
  return git(['rev-parse', 'refs/heads/main']);
}

async function repeat(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < times; round++) took.push(await time(work));
  return took;
}
