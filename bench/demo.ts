import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Row, time } from './figures.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '..', 'bin', 'shipmate.mjs');

/** `npm run demo` as it is on its first day: the whole process, on an empty data directory, playing its script. */
export async function benchDemo(): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-bench-'));
  try {
    await chmod(dir, 0o755); // sandboxed commands run as another user
    const env = { PATH: process.env.PATH, HOME: dir };
    const took = await time(() => run(process.execPath, [program, 'demo', '--json'], { cwd: dir, env }));
    return [{ figure: 'npm run demo, scripted', goal: 'under 15 s', value: `${(took / 1000).toFixed(1)} s` }];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
