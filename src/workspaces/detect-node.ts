import type { Detected, ReadableTree } from './detect.ts';

interface Manifest {
  packageManager?: unknown;
  scripts?: Record<string, unknown>;
  workspaces?: unknown;
  dependencies?: object;
  devDependencies?: object;
}

type Manager = 'npm' | 'pnpm' | 'yarn';

const typecheckNames = ['typecheck', 'type-check', 'types', 'check-types', 'check:types', 'tsc'];
/** npm writes this script into every new package. */
const noTest = /no test specified/;
const looked = 20;

export async function detectNode(tree: ReadableTree): Promise<Detected | null> {
  const text = await tree.read('package.json');
  if (text === null) return null;
  const manifest = parse(text);
  const manager = managerOf(tree, manifest);
  const has = (name: string) => typeof manifest.scripts?.[name] === 'string';
  const hasTest = has('test') && !noTest.test(String(manifest.scripts?.test));
  const typecheck = typecheckNames.find(has);
  return {
    packageManager: manager,
    setup: await setupCommands(tree, manifest, manager),
    test: hasTest ? `${manager} test` : await testEverywhere(tree, manifest, manager),
    typecheck: typecheck === undefined ? null : `${manager} run ${typecheck}`,
    lint: has('lint') ? `${manager} run lint` : null,
    quickTest: hasTest && has('test:unit') ? `${manager} run test:unit` : null,
  };
}

function managerOf({ paths }: ReadableTree, manifest: Manifest): Manager {
  const named = String(manifest.packageManager ?? '').split('@')[0];
  if (named === 'pnpm' || paths.has('pnpm-lock.yaml')) return 'pnpm';
  if (named === 'yarn' || paths.has('yarn.lock')) return 'yarn';
  return 'npm';
}

async function setupCommands(tree: ReadableTree, manifest: Manifest, manager: Manager): Promise<string[]> {
  const { paths } = tree;
  if (manager === 'npm') {
    if (paths.has('package-lock.json') || paths.has('npm-shrinkwrap.json')) return ['npm ci'];
    const wants = [manifest.dependencies, manifest.devDependencies].some((some) => Object.keys(some ?? {}).length > 0);
    return wants ? ['npm install --no-package-lock'] : [];
  }
  const version = /^\w+@(\d+\.\d+\.\d+(?:-[\w.]+)?)/.exec(String(manifest.packageManager ?? ''))?.[1];
  if (manager === 'pnpm') {
    const lock = await tree.read('pnpm-lock.yaml');
    const format = /^lockfileVersion: '?(\d+)/m.exec(lock ?? '')?.[1] ?? '9';
    const fitting = { '5': '7', '6': '8', '9': '9' }[format] ?? 'latest';
    const frozen = paths.has('pnpm-lock.yaml') ? 'pnpm install --frozen-lockfile' : 'pnpm install --no-lockfile';
    return [provide('pnpm', 'pnpm', version ?? fitting), frozen];
  }
  const berry = paths.has('.yarnrc.yml') || /^__metadata:/m.test((await tree.read('yarn.lock')) ?? '');
  if (berry && !version?.startsWith('1.'))
    return [provide('yarn', '@yarnpkg/cli-dist', version ?? '4'), 'yarn install --immutable'];
  const cache = 'YARN_CACHE_FOLDER="$SHIPMATE_PACKAGE_CACHE/yarn"';
  return [provide('yarn', 'yarn', version ?? '1'), `${cache} yarn install --frozen-lockfile --non-interactive`];
}

/** Puts a package manager on the workspace's own PATH, from the npm registry, unless the machine has it. */
function provide(program: string, name: string, version: string): string {
  const pattern = /^\d+$/.test(version) ? `${version}.*` : version;
  const install = `npm install --global --prefix "$HOME/.local" ${name}@${version}`;
  return `case "$(${program} --version 2>/dev/null)" in ${pattern}) ;; *) ${install} ;; esac`;
}

/** In a workspace of packages, where only those have tests. */
async function testEverywhere(tree: ReadableTree, manifest: Manifest, manager: Manager): Promise<string | null> {
  if (manifest.workspaces === undefined && !tree.paths.has('pnpm-workspace.yaml')) return null;
  const members = [...tree.paths].filter((path) => path.endsWith('/package.json') && !path.includes('node_modules/'));
  const texts = await Promise.all(members.slice(0, looked).map((path) => tree.read(path)));
  const tested = texts.some((text) => {
    const test = text === null ? undefined : parse(text).scripts?.test;
    return typeof test === 'string' && !noTest.test(test);
  });
  if (!tested) return null;
  if (manager === 'pnpm') return 'pnpm --recursive --if-present run test';
  if (manager === 'yarn') return 'yarn workspaces foreach --all run test';
  return 'npm run test --workspaces --if-present';
}

function parse(text: string): Manifest {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // its own tools will say so when they are run
  }
}
