import { foldPath } from '../lib/globs.ts';

/**
 * Paths that decide what is run, who must review and what agents are told: a change to them is held for a person.
 * Dependency manifests and lock files are not among them, because changing them is ordinary work that a reviewer sees;
 * the pull request points at them instead (`riskOf`).
 */

/** What a protected path is; null for an ordinary one. However it is spelt for a file system that folds names. */
export function protectedAs(path: string): string | null {
  const parts = foldPath(path).split('/');
  const name = parts.at(-1) ?? '';
  const inside = parts.slice(0, -1);
  for (const part of parts) {
    const what = protectedNames.get(part);
    if (what !== undefined) return what;
  }
  const pattern = protectedPatterns.find(([expression]) => expression.test(name));
  if (pattern) return pattern[1];
  if (inside[0]?.startsWith('.')) return 'a top-level dot-directory';
  return inside.some((part) => hookFolders.has(part)) ? 'a hook' : null;
}

/** What a reviewer should look at in an ordinary path; null for most. */
export function riskOf(path: string): string | null {
  const name = foldPath(path).split('/').at(-1) ?? '';
  if (lockFiles.has(name)) return 'lock file';
  if (manifests.has(name) || /^requirements.*\.(txt|in)$|\.(csproj|gemspec|cabal)$/.test(name))
    return 'dependency manifest';
  return /^(dockerfile|containerfile|makefile|(docker-)?compose.*\.ya?ml)(\..+)?$/.test(name) ? 'build file' : null;
}

/** Files or directories, at any depth: packages of a monorepo have their own. */
const protectedNames = new Map<string, string>([
  ...named('CI configuration', [
    ...['.github', '.gitlab', '.gitlab-ci.yml', '.gitlab-ci.yaml', '.circleci', '.travis.yml', '.drone.yml', '.tekton'],
    ...['.buildkite', '.woodpecker', '.woodpecker.yml', '.semaphore', '.teamcity', '.cirrus.yml', '.cirrus.star'],
    ...['appveyor.yml', '.appveyor.yml', 'azure-pipelines.yml', 'azure-pipelines.yaml', 'bitbucket-pipelines.yml'],
    ...['jenkinsfile', 'buildspec.yml', 'cloudbuild.yaml', 'cloudbuild.yml', 'codefresh.yml', 'wercker.yml', '.ci'],
    ...['.azure-pipelines', '.gitea', '.forgejo', '.harness', 'renovate.json', 'renovate.json5', 'dangerfile'],
  ]),
  ...named('the list of code owners', ['codeowners']),
  ...named('a hook', [
    ...['.husky', '.githooks', '.git-hooks', '.huskyrc', '.pre-commit-config.yaml', '.pre-commit-config.yml'],
    ...['lefthook.yml', '.lefthook.yml', 'lefthook.yaml', '.lefthook.yaml', 'lefthook.toml', '.overcommit.yml'],
  ]),
  ...named('instructions for agents', [
    ...['agents.md', 'agent.md', 'claude.md', 'claude.local.md', 'gemini.md', 'agents.override.md', 'skill.md'],
    ...['.claude', '.cursor', '.agents', '.codex', '.gemini', '.windsurf', '.clinerules', '.roo', '.continue', '.kiro'],
    ...['.cursorrules', '.cursorignore', '.windsurfrules', '.roorules', '.goosehints', '.aider.conf.yml', '.mcp.json'],
    ...['.opencode', 'opencode.json', 'copilot-instructions.md', '.junie', '.amazonq', '.augment', '.pi', '.rules'],
  ]),
  ...named('how git treats files', ['.gitattributes', '.gitmodules', '.gitconfig', '.lfsconfig']),
  ...named("Shipmate's own settings", ['.shipmate.yml', '.shipmate.yaml', '.shipmate', 'shipmate.yaml']),
  ...named('settings of editors and shells', [
    ...['.vscode', '.idea', '.devcontainer', '.devcontainer.json', '.envrc', '.direnv', '.fleet', '.zed', '.vs'],
  ]),
  ...named('where packages come from', [
    ...['.npmrc', '.yarnrc', '.yarnrc.yml', '.yarn', '.pnpmfile.cjs', '.pnpmfile.mjs', '.pypirc', 'pip.conf', '.netrc'],
    ...['.cargo', '.mvn', '.bundle', 'bunfig.toml', 'nuget.config'],
  ]),
]);

const protectedPatterns: [RegExp, string][] = [
  [/^(jenkinsfile|dangerfile)\./, 'CI configuration'],
  [/^owners$/, 'the list of code owners'],
  [/^\.(huskyrc|lintstagedrc)\b/, 'a hook'],
  [/\.(prompt|instructions|chatmode|agent)\.md$/, 'instructions for agents'],
];

const hookFolders = new Set(['githooks', 'git-hooks']);

const lockFiles = new Set([
  ...['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb', 'deno.lock'],
  ...['uv.lock', 'poetry.lock', 'pipfile.lock', 'pdm.lock', 'go.sum', 'go.work.sum', 'cargo.lock', 'gemfile.lock'],
  ...['composer.lock', 'packages.lock.json', 'mix.lock', 'gradle.lockfile', 'flake.lock', 'pubspec.lock'],
]);

const manifests = new Set([
  ...['package.json', 'pnpm-workspace.yaml', 'deno.json', 'pyproject.toml', 'setup.py', 'setup.cfg', 'pipfile'],
  ...['go.mod', 'go.work', 'cargo.toml', 'gemfile', 'composer.json', 'pom.xml', 'build.gradle', 'build.gradle.kts'],
  ...['settings.gradle', 'mix.exs', 'flake.nix', 'pubspec.yaml', 'directory.packages.props'],
]);

function named(what: string, names: string[]): [string, string][] {
  return names.map((name) => [name, what]);
}
