/**
 * What a file is to verification. `test`: code that tests. `support`: what tests read (fixtures, snapshots, set-up).
 * `runner`: says how tests are run. `code`: what is tested. `other`: the rest.
 */
export type Role = 'test' | 'support' | 'runner' | 'code' | 'other';

const codeName =
  /\.([cm]?[jt]sx?|vue|svelte|py|go|rs|rb|java|kt|kts|scala|cs|fs|swift|php|c|cc|cpp|cxx|h|hpp|m|ex|exs|erl|clj|hs|lua|pl|pm|dart|sh|bash|zsh|bats)$/;

const testName =
  /(^|\/)([^/]+[._-](test|tests|spec|e2e)\.[cm]?[jt]sx?|(test|tests|spec)\.[cm]?[jt]sx?|test[-_][^/]*\.([cm]?[jt]sx?|py|sh|bash|rb|php)|[^/]*_(test|spec)\.(py|go|rb|exs?|dart|c|cc|cpp|sh)|[^/]*Tests?\.(java|kt|cs|php|swift|scala)|tests?\.(py|sh|rb)|[^/]+\.bats|[^/]+\.t)$/;

const testDirectory = /(^|\/)(tests?|__tests__|specs?|e2e|cypress|__mocks__)\//i;
const supportDirectory = /(^|\/)(testdata|fixtures|__fixtures__|__snapshots__|snapshots)\//i;
const supportName =
  /(^|\/)(conftest\.py|(jest|vitest|test|tests)[.-]?setup\.[cm]?[jt]sx?|setupTests\.[cm]?[jt]sx?|[^/]+\.snap)$/i;

const runnerName =
  /(^|\/)((vitest|jest|ava|karma|playwright|cypress|web-test-runner|wdio|cucumber)\.(config|conf|workspace)\.[^/]+|vitest\.workspace\.[^/]+|\.mocharc(\.[^/]+)?|\.taprc|\.(c8|nyc)rc(\.[^/]+)?|nyc\.config\.[^/]+|pytest\.ini|\.pytest\.ini|tox\.ini|noxfile\.py|\.coveragerc|\.rspec|phpunit\.xml(\.dist)?|(GNU)?[Mm]akefile|[^/]+\.mk|justfile|Taskfile\.ya?ml|Rakefile|\.npmrc|\.yarnrc(\.yml)?|\.pnpmfile\.c?js|\.cargo\/config(\.toml)?|nextest\.toml|sitecustomize\.py|node\.config\.json)$/;

export function roleOf(path: string): Role {
  if (runnerName.test(path)) return 'runner';
  if (supportName.test(path) || supportDirectory.test(path)) return 'support';
  if (testName.test(path)) return 'test';
  if (testDirectory.test(path)) return codeName.test(path) ? 'test' : 'support';
  return codeName.test(path) ? 'code' : 'other';
}

export function isOfTests(path: string): boolean {
  const role = roleOf(path);
  return role === 'test' || role === 'support';
}
