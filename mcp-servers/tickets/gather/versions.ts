import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { arch, release, type as system } from 'node:os';
import { dirname, join } from 'node:path';

/** What a tool's version is read from: what the repository wants by its files, and what the shell has. */
interface Tool {
  name: string;
  /** Its name in `.tool-versions`. */
  listed: string;
  /** Files that say it is used here, and how to read from their text what is wanted; the first that says something counts. */
  files: [name: string, wants: (text: string) => string | null][];
  /** Prints its version at once, and starts nothing that the repository names. */
  command: string[] | null;
}

const whole = (text: string) => text.trim().split('\n')[0]?.trim() || null;
const matching = (pattern: RegExp) => (text: string) => pattern.exec(text)?.[1]?.trim() ?? null;
const nothing = () => null;

const tools: Tool[] = [
  {
    name: 'Node.js',
    listed: 'nodejs',
    files: [
      ['.nvmrc', whole],
      ['.node-version', whole],
      ['package.json', (text) => read(text)?.engines?.node ?? null],
    ],
    command: ['node', '--version'],
  },
  {
    name: 'Python',
    listed: 'python',
    files: [
      ['.python-version', whole],
      ['pyproject.toml', matching(/^(?:requires-)?python\s*=\s*["']([^"']{1,80})/m)],
      ['requirements.txt', nothing],
      ['setup.py', nothing],
    ],
    command: ['python3', '--version'],
  },
  { name: 'Go', listed: 'golang', files: [['go.mod', matching(/^go (\S{1,40})/m)]], command: ['go', 'version'] },
  {
    name: 'Rust',
    listed: 'rust',
    files: [
      ['rust-toolchain.toml', matching(/^channel\s*=\s*"([^"]{1,80})/m)],
      ['rust-toolchain', whole],
      ['Cargo.toml', matching(/^rust-version\s*=\s*"([^"]{1,80})/m)],
    ],
    command: null, // rustup would install, or start, what rust-toolchain.toml names
  },
  {
    name: 'Java',
    listed: 'java',
    files: [
      ['.java-version', whole],
      ['pom.xml', matching(/<(?:maven\.compiler\.(?:release|source)|java\.version)>([^<]{1,40})</)],
      ['build.gradle', matching(/languageVersion.{0,40}?of\((\d{1,3})\)/)],
      ['build.gradle.kts', matching(/languageVersion.{0,40}?of\((\d{1,3})\)/)],
    ],
    command: null, // takes longer than anybody waits
  },
];

const startedAtMost = 3;
const startMs = 300;

/** By name: the system, the package, and of each tool that the repository has files for what is there and what is wanted. */
export async function readVersions(
  where: { dir: string; top: string; searchPath: string; home: string | null },
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const look = createLook(where.dir, where.top);
  const listed = await look('.tool-versions');
  const used = await Promise.all(
    tools.map(async (tool) => {
      const texts = await Promise.all(tool.files.map(async ([name, wants]) => ({ text: await look(name), wants })));
      const fromList = listed === null ? null : matching(new RegExp(`^${tool.listed}[ \\t]+(\\S{1,40})`, 'm'))(listed);
      const isUsed = fromList !== null || texts.some(({ text }) => text !== null);
      const wanted =
        fromList ??
        texts
          .map(({ text, wants }) => (text === null ? null : wants(text)))
          .find((each) => typeof each === 'string' && each !== '');
      return { tool, isUsed, wanted: wanted ?? null };
    }),
  );
  const here = used.filter(({ isUsed }) => isUsed);
  const started = here.filter(({ tool }) => tool.command !== null).slice(0, startedAtMost);
  const [name, manifest, ...has] = await Promise.all([
    systemName(),
    readPackage(look),
    ...started.map(({ tool }) => ask(tool.command ?? [], where, signal)),
  ]);
  const versions: Record<string, string> = { OS: name };
  if (manifest !== null) versions.Package = manifest.slice(0, 500);
  for (const each of here) {
    const version = has[started.indexOf(each)] ?? null;
    const parts = [version, each.wanted === null ? null : `wants ${each.wanted}`].filter((part) => part !== null);
    if (parts.length > 0) versions[each.tool.name] = parts.join(', ').slice(0, 500);
  }
  return versions;
}

/** A file in the directory, or the nearest above it up to the top; read once. */
function createLook(dir: string, top: string): (name: string) => Promise<string | null> {
  const dirs = [dir];
  for (let at = dir; at !== top && at.startsWith(top) && dirs.length < 20; at = dirname(at)) dirs.push(dirname(at));
  const known = new Map<string, Promise<string | null>>();
  const find = async (name: string) => {
    for (const each of dirs) {
      const text = await readFile(join(each, name), 'utf8').catch(() => null);
      if (text !== null) return text.slice(0, 200_000);
    }
    return null;
  };
  return (name) => known.get(name) ?? known.set(name, find(name)).get(name) ?? Promise.resolve(null);
}

async function readPackage(look: (name: string) => Promise<string | null>): Promise<string | null> {
  const npm = read((await look('package.json')) ?? '');
  if (typeof npm?.name === 'string')
    return [npm.name, npm.version].filter((part) => typeof part === 'string').join(' ');
  for (const file of ['pyproject.toml', 'Cargo.toml']) {
    const text = (await look(file)) ?? '';
    const section =
      /^\[(?:project|tool\.poetry|package)\]\s*$([\s\S]{0,4000}?)(?=^\[|(?![\s\S]))/m.exec(text)?.[1] ?? '';
    const of = (key: string) => matching(new RegExp(`^${key}\\s*=\\s*["']([^"']{1,200})`, 'm'))(section);
    if (of('name') !== null) return [of('name'), of('version')].filter((part) => part !== null).join(' ');
  }
  const pom = ((await look('pom.xml')) ?? '').replace(/<(parent|dependencies|build)>[\s\S]*?<\/\1>/g, '');
  const artifact = matching(/<artifactId>([^<]{1,200})</)(pom);
  if (artifact !== null)
    return [artifact, matching(/<version>([^<]{1,100})</)(pom)].filter((part) => part !== null).join(' ');
  return matching(/^module (\S{1,300})/m)((await look('go.mod')) ?? '');
}

interface Manifest {
  name?: unknown;
  version?: unknown;
  engines?: { node?: string };
}

function read(text: string): Manifest | null {
  try {
    const manifest = JSON.parse(text);
    return typeof manifest === 'object' ? manifest : null;
  } catch {
    return null;
  }
}

/** As the shell would answer in that directory: version managers go by it. Nothing is downloaded for it. */
function ask(
  [program = '', ...args]: string[],
  { dir, searchPath, home }: { dir: string; searchPath: string; home: string | null },
  signal: AbortSignal,
): Promise<string | null> {
  const path = searchPath
    .split(':')
    .filter((each) => each.startsWith('/'))
    .join(':'); // never one of the repository's
  const env = { PATH: path, LC_ALL: 'C', GOTOOLCHAIN: 'local', ...(home !== null && { HOME: home }) };
  return new Promise((resolve) => {
    execFile(program, args, { cwd: dir, env, timeout: startMs, killSignal: 'SIGKILL', signal }, (error, stdout) =>
      resolve(error ? null : (/\d+(?:\.[\w+-]+)+/.exec(stdout)?.[0] ?? null)),
    );
  });
}

async function systemName(): Promise<string> {
  const kernel = `${system()} ${release()} ${arch()}`;
  if (process.platform !== 'linux') return kernel;
  const name = /^PRETTY_NAME="?([^"\n]{1,100})/m.exec(await readFile('/etc/os-release', 'utf8').catch(() => ''))?.[1];
  return name === undefined ? kernel : `${name}, ${kernel}`;
}
