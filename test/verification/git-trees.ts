import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProcess } from '../../src/lib/process.ts';
import { createSandboxDriver } from '../../src/sandboxes/index.ts';
import type { Change, Side, Trees } from '../../src/verification/trees.ts';

/** Paths and contents; null deletes, `{ from }` moves a file of the base there. */
export type Files = Record<string, string | null | { from: string }>;

export interface TestRepository {
  /** A change on the base, committed the way git would: what is ignored is not in it. */
  change(files: Files): Promise<Trees & { checkouts: string[] }>;
}

/** A real repository in `root`, with clean checkouts in the `none` sandbox. */
export async function createRepository(
  root: string,
  name: string,
  base: Record<string, string>,
): Promise<TestRepository> {
  const driver = createSandboxDriver({
    kind: 'none',
    options: {
      uid: 65534,
      readOnlyPaths: [],
      limits: { memoryBytes: null, processes: null },
      searchPath: process.env.PATH ?? '',
      tempDir: root,
    },
  });
  const gitDir = join(root, `${name}.git`);
  let index = 0;
  const git = async (args: string[], workTree?: string) => {
    const result = await runProcess(
      [
        'git',
        '-c',
        'core.safecrlf=false',
        '--git-dir',
        gitDir,
        ...(workTree ? ['--work-tree', workTree] : []),
        ...args,
      ],
      { env: { GIT_CONFIG_GLOBAL: '/dev/null', GIT_INDEX_FILE: join(gitDir, `index-${index++}`), HOME: root } },
    );
    if (result.exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  };
  const treeOf = async (dir: string) => {
    const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_INDEX_FILE: join(gitDir, `index-${index++}`), HOME: root };
    const script = 'git --git-dir "$1" --work-tree "$2" add -A && git --git-dir "$1" write-tree';
    const result = await runProcess(['sh', '-c', script, 'sh', gitDir, dir], { cwd: dir, env });
    if (result.exitCode !== 0) throw new Error(result.stderr);
    return result.stdout.toString().trim();
  };
  const checkOut = async (tree: string) => {
    const dir = await mkdtemp(join(root, 'tree-'));
    await git(['checkout', '-q', '-f', tree, '--', '.'], dir);
    return dir;
  };

  await runProcess(['git', 'init', '-q', '--bare', gitDir]);
  const first = await mkdtemp(join(root, 'tree-'));
  await write(first, base);
  const baseTree = await treeOf(first);

  return {
    async change(files) {
      const work = await checkOut(baseTree);
      await write(work, files);
      const headTree = await treeOf(work);
      await rm(work, { recursive: true });
      const trees = { base: baseTree, head: headTree };
      const raw = (await git(['diff-tree', '--raw', '-z', '-r', '-M', baseTree, headTree])).toString();
      const checkouts: string[] = [];
      return {
        checkouts,
        changes: parseRaw(raw),
        async read(side: Side, path: string) {
          try {
            return (await git(['cat-file', 'blob', `${trees[side]}:${path}`])).toString();
          } catch {
            return null;
          }
        },
        async checkout(side, { overlay = [], files: written = [] }) {
          const dir = await checkOut(trees[side]);
          checkouts.push(side);
          for (const { path, from } of overlay) {
            if (from === 'absent') await rm(join(dir, path), { force: true });
            else await git(['checkout', '-q', '-f', trees[from], '--', path], dir);
          }
          for (const { path, content } of written) await write(dir, { [path]: content });
          const evidenceDir = await mkdtemp(join(root, 'evidence-'));
          const mounts = [dir, evidenceDir].map((path) => ({ path, writable: true }));
          const sandbox = await driver.open({ mounts, env: {}, cwd: dir, network: 'none' });
          return {
            ...{ dir, sandbox, evidenceDir },
            async release() {
              await sandbox.close();
              await rm(dir, { recursive: true, force: true });
              await rm(evidenceDir, { recursive: true, force: true });
            },
          };
        },
      };
    },
  };
}

export function temporaryRoot(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'shipmate-verification-'));
}

async function write(dir: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true });
    if (content === null) await rm(file);
    else if (typeof content === 'object') await rename(join(dir, content.from), file);
    else {
      await writeFile(file, content);
      if (content.startsWith('#!')) await chmod(file, 0o755);
    }
  }
}

function parseRaw(raw: string): Change[] {
  const fields = raw.split('\0');
  const changes: Change[] = [];
  for (let at = 0; at + 1 < fields.length; ) {
    const [oldMode = '', newMode = '', , , letter = ''] = (fields[at++] ?? '').slice(1).split(' ');
    const status = letter.slice(0, 1);
    const oldPath = status === 'R' ? (fields[at++] ?? '') : null;
    changes.push({ status, path: fields[at++] ?? '', oldPath, oldMode, newMode });
  }
  return changes;
}
