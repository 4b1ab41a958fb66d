import { access, constants, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';

const names = [
  ...['python3', 'pip', 'uv', 'poetry', 'cargo', 'rustc', 'go', 'java', 'mvn', 'gradle', 'ruby', 'bundle'],
  ...['php', 'composer', 'dotnet', 'deno', 'bun', 'npm', 'pnpm', 'yarn', 'corepack', 'gcc', 'make', 'cmake'],
];

/**
 * Toolchains on the service's PATH that commands in a sandbox do not see: they lie outside /usr and are not mounted.
 * `path` is what to add to `sandbox.readOnlyPaths`. Only what PATH would really start counts.
 */
export async function findUnmountedToolchains(
  searchPath: string,
  readOnlyPaths: string[],
): Promise<{ name: string; path: string }[]> {
  const packages = await findNodePackages(searchPath);
  const mounted = [...readOnlyPaths, ...packages.map((found) => found.path), '/usr'];
  const missing: { name: string; path: string }[] = [];
  for (const name of names) {
    const program = await findProgram(name, searchPath);
    if (!program) continue;
    const path = await toolchainOf(name, program);
    const seen = await Promise.all(mounted.map((dir) => isWithin(path, dir)));
    if (!seen.some(Boolean)) missing.push({ name, path });
  }
  return missing;
}

/** A package manager written in JavaScript that lies outside /usr; its programs run on our own Node.js. */
export interface NodePackage {
  name: string;
  path: string;
  /** Program names and the files they start, relative to `path`. */
  programs: Record<string, string>;
}

/** npm, pnpm, yarn and corepack as the service's PATH has them, where a sandbox would not see them in /usr anyway. */
export async function findNodePackages(searchPath: string): Promise<NodePackage[]> {
  const packages: NodePackage[] = [];
  for (const name of ['npm', 'pnpm', 'yarn', 'corepack']) {
    const program = await findProgram(name, searchPath);
    if (!program) continue;
    const found = await packageOf(name, await realpath(program));
    if (found && !found.path.startsWith('/usr/') && !packages.some(({ path }) => path === found.path))
      packages.push(found);
  }
  return packages;
}

/** The package whose manifest says that this file is that program. */
async function packageOf(name: string, file: string): Promise<NodePackage | null> {
  for (let path = dirname(file); path !== '/'; path = dirname(path)) {
    const manifest = await readFile(join(path, 'package.json'), 'utf8').catch(() => null);
    const bin = manifest === null ? undefined : readPrograms(manifest);
    const programs = typeof bin === 'string' ? { [name]: bin } : bin;
    if (programs?.[name]) return { name, path, programs };
  }
  return null;
}

function readPrograms(manifest: string): string | Record<string, string> | undefined {
  try {
    return (JSON.parse(manifest) as { bin?: string | Record<string, string> }).bin;
  } catch {
    return undefined; // not npm's
  }
}

/** The directories of `readOnlyPaths` that go on PATH: each one's `bin`, or the directory itself. */
export async function programDirs(readOnlyPaths: string[]): Promise<string[]> {
  return Promise.all(
    readOnlyPaths.map(async (path) => ((await stat(join(path, 'bin')).catch(() => null)) ? join(path, 'bin') : path)),
  );
}

/** The first of that name on the path, as a shell would find it. */
export async function findProgram(name: string, searchPath: string): Promise<string | null> {
  for (const dir of searchPath.split(delimiter)) {
    if (!dir.startsWith('/')) continue;
    const path = join(dir, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable && (await stat(path)).isFile()) return path;
  }
  return null;
}

/** The directory that holds the whole of it. Version managers put stand-ins on PATH, which need their home directory. */
async function toolchainOf(name: string, program: string): Promise<string> {
  const pyenv = /^(.*)\/shims\/[^/]+$/.exec(program)?.[1];
  if (pyenv) {
    const version = await readFile(join(pyenv, 'version'), 'utf8').then(
      (text) => text.trim().split(/\s+/)[0],
      () => undefined,
    );
    if (version && version !== 'system') return join(pyenv, 'versions', version);
  }
  const file = await realpath(program);
  if (basename(file) === 'rustup') {
    const rustup = join(dirname(dirname(dirname(file))), '.rustup');
    const settings = await readFile(join(rustup, 'settings.toml'), 'utf8').catch(() => '');
    const chosen = /^default_toolchain\s*=\s*"([^"]+)"/m.exec(settings)?.[1];
    const toolchain = chosen ?? (await readdir(join(rustup, 'toolchains')).catch(() => []))[0];
    if (toolchain) return join(rustup, 'toolchains', toolchain);
  }
  if (name === 'java' && file.endsWith('/jre/bin/java')) return file.slice(0, -'/jre/bin/java'.length);
  return basename(dirname(file)) === 'bin' ? dirname(dirname(file)) : dirname(file);
}

async function isWithin(path: string, dir: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([path, dir].map((each) => realpath(each).catch(() => each)));
  return inner === outer || `${inner}`.startsWith(`${outer}/`);
}
