import { riskOf } from '../core/protected-paths.ts';
import { installsTheSame } from './package-json.ts';
import { splitSections } from './sections.ts';
import { filesOf, type Trees } from './trees.ts';

/** What of these files names packages; the rest of them configures tools. */
const sectionsOfPackages: [RegExp, RegExp][] = [
  [
    /(^|\/)pyproject\.toml$/,
    /^(project|build-system|dependency-groups|tool\.(poetry|uv|pdm|hatch|setuptools|flit))(\.|$)/,
  ],
  [/(^|\/)setup\.cfg$/, /^options(\.|$)/],
  [/(^|\/)Cargo\.toml$/, /dependencies(\.|$)|^(features|workspace|patch|replace)(\.|$)/],
];

const requirements = /(^|\/)([\w.-]*(requirements|constraints)[\w.-]*\.(txt|in)|requirements\/[^/]+\.(txt|in))$/i;

/** What tests read, and nobody installs. */
const fixture = /(^|\/)(testdata|(__)?fixtures(__)?)\//i;

/**
 * Files of the change from which a set-up installs: lock files, and manifests that name other packages than on the base.
 * Checkouts have what the base's set-up installed, so what these name was not there when the change was run.
 */
export async function readInstalledFrom(trees: Pick<Trees, 'changes' | 'read'>): Promise<string[]> {
  const found: string[] = [];
  for (const { path, onBase, onHead } of trees.changes.flatMap(filesOf)) {
    const what = requirements.test(path) ? 'dependency manifest' : riskOf(path);
    if ((what !== 'lock file' && what !== 'dependency manifest') || fixture.test(path)) continue;
    const base = onBase ? await trees.read('base', path) : null;
    const head = onHead ? await trees.read('head', path) : null;
    if (what === 'lock file' || !isTheSame(path, base, head)) found.push(path);
  }
  return found;
}

function isTheSame(path: string, base: string | null, head: string | null): boolean {
  if (/(^|\/)package\.json$/.test(path)) return installsTheSame(base, head);
  const sections = sectionsOfPackages.find(([file]) => file.test(path))?.[1];
  return sections !== undefined && packagesIn(base, sections) === packagesIn(head, sections);
}

/** The named sections; the package's own version installs nothing else. */
function packagesIn(text: string | null, sections: RegExp): string {
  return splitSections(text ?? '')
    .filter(({ name }) => name !== null && sections.test(name))
    .map(({ name, text }) =>
      (name === 'project' || name === 'tool.poetry' ? text.replace(/^version\s*=.*$/m, '') : text).trim(),
    )
    .join('\n');
}
