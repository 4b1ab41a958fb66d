import { execFile } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const demoDir = join(import.meta.dirname, '../../src/cli/demo');

/** A bare repository with one commit on `main`. */
export async function makeRepository(path: string, files?: Record<string, string>): Promise<void> {
  const work = `${path}.work`;
  await mkdir(work, { recursive: true });
  const git = (...args: string[]) =>
    run('git', ['-C', work, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  if (files === undefined) await cp(join(demoDir, 'project'), work, { recursive: true });
  for (const [name, content] of Object.entries(files ?? {})) {
    await mkdir(dirname(join(work, name)), { recursive: true });
    await writeFile(join(work, name), content);
  }
  if (files === undefined || Object.keys(files).length > 0) {
    await git('add', '.');
    await git('commit', '--quiet', '-m', 'First');
  }
  await git('clone', '--quiet', '--bare', '.', path);
  await rm(work, { recursive: true, force: true });
}
