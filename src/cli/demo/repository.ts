import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../lib/process.ts';

const project = join(import.meta.dirname, 'project');
const people = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

/** The commits of the demo's project: which files came when. */
const history = [
  {
    date: '2026-03-02T09:00:00Z',
    message: 'Read durations as people write them',
    paths: ['package.json', 'README.md', 'src/units.js', 'src/parse.js'],
  },
  {
    date: '2026-03-09T10:30:00Z',
    message: 'Write durations in their shortest form',
    paths: ['src/format.js', 'src/index.js'],
  },
  { date: '2026-04-14T15:20:00Z', message: 'Test both ways, and say how to work here', paths: ['test', 'AGENTS.md'] },
];

/** Makes the demo's bare repository at `path` when it is not there; half of one, from a kill, never counts. */
export async function makeDemoRepository(path: string): Promise<void> {
  if (await stat(path).catch(() => null)) return;
  await mkdir(join(path, '..'), { recursive: true });
  const half = await mkdtemp(`${path}.`);
  const work = join(half, 'work');
  const bare = join(half, 'bare');
  try {
    await mkdir(work);
    const git = async (args: string[], env: Record<string, string> = {}) => {
      const settings = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', ...people, ...env };
      const { exitCode, stderr } = await runProcess(['git', '-C', work, ...args], { env: settings });
      if (exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`);
    };
    await git(['init', '--quiet', '--initial-branch=main']);
    for (const { date, message, paths } of history) {
      for (const name of paths) await cp(join(project, name), join(work, name), { recursive: true });
      await git(['add', '.']);
      await git(['commit', '--quiet', '-m', message], { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date });
    }
    await git(['clone', '--quiet', '--bare', '.', bare]);
    await rename(bare, path);
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

/** The patch between two branches of a local repository, as `git diff base...head` shows it. */
export async function readDiff(repository: string, base: string, head: string): Promise<string> {
  const env = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const range = `refs/heads/${base}...refs/heads/${head}`;
  const safe = ['-c', `safe.directory=${repository}`];
  const { exitCode, stdout, stderr } = await runProcess(
    ['git', ...safe, '-C', repository, 'diff', '--no-ext-diff', '--no-textconv', range, '--'],
    { env },
  );
  if (exitCode !== 0) throw new Error(`git diff ${range}: ${stderr.trim()}`);
  return stdout.toString('utf8');
}
