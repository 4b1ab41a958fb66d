// Packs the tool servers alone, without the service and its packages: shipmate-mcp-<version>.tgz, in the current directory or in
// the one that is named. One file per server and what they share, in the folders of a clone, for Node.js 20 and newer.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const prefix = 'shipmate-mcp-';
/** Every program of the package that is called so. */
const servers = Object.keys(manifest.bin)
  .filter((name) => name.startsWith(prefix))
  .map((name) => name.slice(prefix.length));

const destination = resolve(process.argv[2] ?? '.');
const folder = mkdtempSync(join(tmpdir(), 'shipmate-servers-'));
try {
  const packages = await bundle();
  for (const name of ['launch.mjs', 'ready.mjs', ...servers.map((server) => `${prefix}${server}.mjs`)])
    cpSync(join(root, 'bin', name), join(folder, 'bin', name));
  for (const server of servers) {
    // What people read, and what a server does at run time.
    for (const name of readdirSync(join(root, 'mcp-servers', server)).filter((name) => name.endsWith('.md')))
      cpSync(join(root, 'mcp-servers', server, name), join(folder, 'mcp-servers', server, name));
  }
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'LICENSES.txt'), licensesOf(packages));
  writeFileSync(join(folder, 'package.json'), JSON.stringify(ownManifest(), null, 2));
  const { status } = spawnSync('npm', ['pack', '--loglevel=error', '--pack-destination', destination], {
    cwd: folder,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Answers the folders of the packages that went in. */
async function bundle() {
  const input = Object.fromEntries(servers.map((server) => [server, `mcp-servers/${server}/index.ts`]));
  const build = await rolldown({ cwd: root, platform: 'node', input });
  const { output } = await build.write({
    dir: folder,
    entryFileNames: 'mcp-servers/[name]/index.js',
    chunkFileNames: 'mcp-servers/shared/[name].js',
  });
  await build.close();
  const modules = output.flatMap(({ moduleIds = [] }) => moduleIds);
  const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
  return [...new Set(folders)].sort();
}

function licensesOf(packages) {
  const texts = packages.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) throw new Error(`${name} has no license file; it may not be packed without one.`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return `These packages are part of the files in mcp-servers.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

function ownManifest() {
  const { version, license, type, engines } = manifest;
  return {
    name: 'shipmate-mcp',
    version,
    description: 'Tool servers of Shipmate for any client of the Model Context Protocol.',
    ...{ license, type, private: true, engines },
    bin: Object.fromEntries(servers.map((server) => [`${prefix}${server}`, `bin/${prefix}${server}.mjs`])),
  };
}
