// Makes dist/, which is what `npm pack` packs: the clone's own folders with JavaScript instead of TypeScript, so that every
// path from one file to another is the same in both. Run by npm as "prepack".
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules', '.bin', 'tsc');
const { status, error } = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: ['ignore', 2, 2] });
if (error) throw new Error(`The compiler could not be started (${error.message}). Run "npm ci" first.`);
if (status !== 0) process.exit(status ?? 1);

for (const name of ['bin', 'migrations', 'package.json'])
  cpSync(join(root, name), join(dist, name), { recursive: true });
// What the sources read at run time: scripts, prices, pages.
for (const folder of ['src', 'mcp-servers']) {
  for (const name of readdirSync(join(root, folder), { recursive: true })) {
    const from = join(root, folder, name);
    if (!name.endsWith('.ts') && statSync(from).isFile()) cpSync(from, join(dist, folder, name));
  }
}
if (!existsSync(join(dist, 'src', 'main.js')))
  process.stderr.write('dist: src/main.ts is missing, so it has no main.\n');
