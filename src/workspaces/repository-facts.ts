import { createHash } from 'node:crypto';
import type { PreviewPlan } from '../core/previews.ts';
import type { Repository } from '../core/repository.ts';
import { type Detected, detectParts } from './detect.ts';
import type { SetupPlan } from './prepare.ts';
import { parseRepositoryConfig, repositoryConfigPath } from './repository-config.ts';
import type { Workspaces } from './workspaces.ts';

/** What a repository says of itself at a commit, and what its files tell where it says nothing. */
export interface RepositoryFacts {
  packageManager: string | null;
  testCommand: string | null;
  /** Entries of the top directory; directories end in a slash. */
  listing: string[];
  /** AGENTS.md of the top directory; CLAUDE.md failing that. */
  instructions: { path: string; text: string } | null;
  setup: SetupPlan;
  /** `full` holds what `fast` does, or more; when they are equal, one run is enough. */
  verify: { fast: string[]; full: string[]; fix: string[]; scan: string[] };
  /** What is run against the preview deployment of a pull request; null: nothing. */
  preview: PreviewPlan | null;
}

const instructionFiles = ['AGENTS.md', 'CLAUDE.md'];
/** Whatever of these changes may change what set-up gives. */
const lockFiles =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|yarn\.lock|\.yarnrc\.yml|\.npmrc|uv\.lock|pyproject\.toml|setup\.(py|cfg)|[\w-]*requirements[\w-]*\.txt|go\.(mod|sum)|Cargo\.(toml|lock)|\.tool-versions|\.nvmrc)$/;
const nodeLockFiles = /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock)$/;

/** Throws `RepositoryConfigError` when `.shipmate.yml` cannot be used. */
export async function describeRepository(
  workspaces: Pick<Workspaces, 'listFiles' | 'readFile'>,
  repository: Repository,
  commit: string,
): Promise<RepositoryFacts> {
  const files = await workspaces.listFiles(repository, commit);
  const paths = new Set(files.map((file) => file.path));
  const read = async (path: string) => (paths.has(path) ? workspaces.readFile(repository, commit, path) : null);

  const config = parseRepositoryConfig(await read(repositoryConfigPath));
  const parts = await detectParts({ paths, read });
  const commands = config.setup ?? parts.flatMap((part) => part.setup);
  const instructions = await readFirst(instructionFiles, read);
  return {
    packageManager: parts[0]?.packageManager ?? null,
    testCommand: config.verify?.fast.at(-1) ?? parts.find((part) => part.test !== null)?.test ?? null,
    listing: topEntries(paths),
    instructions,
    setup: { commands, key: setupKey(commands, files) },
    verify: { ...(config.verify ?? detectedVerify(parts)), fix: config.fix, scan: config.scan },
    preview: config.preview,
  };
}

const keptFacts = 50;

/** `describeRepository`, asked once for each commit: what a commit holds never changes. */
export function rememberFacts(
  workspaces: Pick<Workspaces, 'listFiles' | 'readFile'>,
): (repository: Repository, commit: string) => Promise<RepositoryFacts> {
  const kept = new Map<string, Promise<RepositoryFacts>>();
  return (repository, commit) => {
    const key = `${repository.codeHost} ${repository.location} ${commit}`;
    const known = kept.get(key);
    if (known) return known;
    const read = describeRepository(workspaces, repository, commit);
    kept.set(key, read);
    read.catch(() => kept.delete(key));
    for (const oldest of kept.keys()) if (kept.size > keptFacts) kept.delete(oldest);
    return read;
  };
}

function detectedVerify(parts: Detected[]): { fast: string[]; full: string[] } {
  const only = (commands: (string | null)[]) => commands.filter((command) => command !== null);
  return {
    fast: parts.flatMap((part) => only([part.typecheck, part.quickTest ?? part.test])),
    full: parts.flatMap((part) => only([part.typecheck, part.lint, part.test])),
  };
}

function setupKey(commands: string[], files: { path: string; sha: string }[]): string {
  if (commands.length === 0) return 'none';
  const locked = files.some((file) => nodeLockFiles.test(file.path));
  const matters = ({ path }: { path: string }) =>
    lockFiles.test(path) || (!locked && /(^|\/)package\.json$/.test(path));
  const inputs = files.filter(matters).map(({ path, sha }) => [path, sha]);
  return createHash('sha256')
    .update(JSON.stringify([commands, inputs]))
    .digest('hex')
    .slice(0, 16);
}

async function readFirst(names: string[], read: (path: string) => Promise<string | null>) {
  for (const path of names) {
    const text = await read(path);
    if (text !== null && text.trim() !== '') return { path, text };
  }
  return null;
}

function topEntries(paths: Iterable<string>): string[] {
  const entries = new Set<string>();
  for (const path of paths) {
    const slash = path.indexOf('/');
    entries.add(slash === -1 ? path : path.slice(0, slash + 1));
  }
  return [...entries].sort();
}
