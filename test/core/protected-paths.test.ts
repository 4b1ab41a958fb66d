import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { protectedAs, riskOf } from '../../src/core/protected-paths.ts';
import { foldPath } from '../../src/lib/globs.ts';

const protectedPaths: [string, string][] = [
  ['.github/workflows/ci.yml', 'CI configuration'],
  ['packages/web/.github/workflows/x.yml', 'CI configuration'],
  ['.gitlab-ci.yml', 'CI configuration'],
  ['.circleci/config.yml', 'CI configuration'],
  ['Jenkinsfile', 'CI configuration'],
  ['deploy/Jenkinsfile.release', 'CI configuration'],
  ['azure-pipelines.yml', 'CI configuration'],
  ['CODEOWNERS', 'the list of code owners'],
  ['docs/CODEOWNERS', 'the list of code owners'],
  ['pkg/OWNERS', 'the list of code owners'],
  ['.husky/pre-commit', 'a hook'],
  ['tools/githooks/pre-push', 'a hook'],
  ['.pre-commit-config.yaml', 'a hook'],
  ['lefthook.yml', 'a hook'],
  ['AGENTS.md', 'instructions for agents'],
  ['packages/api/CLAUDE.md', 'instructions for agents'],
  ['GEMINI.md', 'instructions for agents'],
  ['.cursor/rules/a.mdc', 'instructions for agents'],
  ['.claude/settings.json', 'instructions for agents'],
  ['sub/.claude/skills/x/SKILL.md', 'instructions for agents'],
  ['.mcp.json', 'instructions for agents'],
  ['prompts/review.prompt.md', 'instructions for agents'],
  ['.gitattributes', 'how git treats files'],
  ['deep/down/.gitattributes', 'how git treats files'],
  ['.gitmodules', 'how git treats files'],
  ['.shipmate.yml', "Shipmate's own settings"],
  ['.vscode/tasks.json', 'settings of editors and shells'],
  ['.envrc', 'settings of editors and shells'],
  ['.npmrc', 'where packages come from'],
  ['web/.yarnrc.yml', 'where packages come from'],
  ['.storybook/main.ts', 'a top-level dot-directory'],
  ['.anything/at/all', 'a top-level dot-directory'],
];

describe('protectedAs', () => {
  test.each(protectedPaths)('%s is %s', (path, what) => {
    expect(protectedAs(path)).toBe(what);
  });

  test.each([
    ...[
      'src/index.ts',
      'README.md',
      'docs/agents-guide.md',
      'src/hooks/use-user.ts',
      'hooks/useX.ts',
      'src/owners/list.ts',
    ],
    ...['package.json', 'package-lock.json', 'Makefile', 'Dockerfile', '.gitignore', '.editorconfig', '.eslintrc.json'],
    ...[
      '.env.example',
      '.prettierrc',
      '.nvmrc',
      'src/.hidden/x.ts',
      'github/readme.md',
      'test/claude.test.ts',
      'a.b/c',
    ],
    ...['src/agent.ts', 'agents/agents.ts', 'docs/instructions.md', 'i18n/日本語.json', 'émile/été.txt'],
  ])('%s is ordinary', (path) => {
    expect(protectedAs(path)).toBeNull();
  });

  test('however it is spelt', () => {
    const spelling = fc.constantFrom<(text: string) => string>(
      (text) => text.toUpperCase(),
      (text) => text.toLowerCase(),
      (text) => [...text].map((c, i) => (i % 2 ? c.toUpperCase() : c.toLowerCase())).join(''),
      (text) => text.replace(/[a-z]/gi, (c) => String.fromCodePoint((c.codePointAt(0) ?? 0) + 0xfee0)),
      (text) => text.replaceAll('i', 'ı').replaceAll('s', 'ſ').replaceAll('k', '\u212a'),
      (text) => text.replace(/(?=[a-z])/i, '\u200c'),
      (text) => text.split('').join('\ufeff'),
      (text) => text.replaceAll('/', ' /').concat('. .'),
      (text) => `${text}::$DATA`,
      (text) => text.replaceAll('/', '\\'),
      (text) => text.normalize('NFD'),
    );
    const anywhere = protectedPaths.filter(([, what]) => what !== 'a top-level dot-directory');
    fc.assert(
      fc.property(
        fc.constantFrom(...protectedPaths),
        spelling,
        ([path, what], spell) => protectedAs(spell(path)) === what,
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...anywhere),
        fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 12 }),
        spelling,
        ([path], above, spell) => {
          return protectedAs(spell([...above, path].join('/'))) !== null;
        },
      ),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(
        fc.stringMatching(/^\.[a-z]{1,9}$/),
        fc.stringMatching(/^[a-z]{1,9}$/),
        (a, b) => protectedAs(`${a}/${b}`) !== null,
      ),
    );
  });
});

test('foldPath takes what may be one file for one', () => {
  expect(foldPath('.GitHub/Workflows /CI.yml.')).toBe('.github/workflows/ci.yml');
  expect(foldPath('a/../b/./c')).toBe('a/../b/./c');
});

test.each([
  ['package-lock.json', 'lock file'],
  ['web/PNPM-lock.yaml', 'lock file'],
  ['package.json', 'dependency manifest'],
  ['requirements-dev.txt', 'dependency manifest'],
  ['Dockerfile', 'build file'],
  ['compose.yaml', 'build file'],
  ['Makefile', 'build file'],
  ['src/a.ts', null],
  ['docs/makefile-guide.md', null],
])('riskOf %s: %s', (path, what) => {
  expect(riskOf(path)).toBe(what);
});
