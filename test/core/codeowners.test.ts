import { test } from 'vitest';
import { ownersOf } from '../../src/core/codeowners.ts';

const file = String.raw`
# who owns what
*                    @ada            # everything
*.js                 @Bob @acme/web ops@example.org
/build/logs/         @carol
docs/*               @dora
apps/                @erin
/scripts             @fred
**/secrets           @gina
/src/**/test.ts      @hugo
/notes\ of\ mine.txt @ida
/apps/free           # nobody's
[abc].txt            @never
!/keep.txt           @never
`;

test.for<[path: string, users: string[], teams?: string[]]>([
  ['README.md', ['ada']],
  ['web/app.js', ['bob'], ['acme/web']],
  ['build/logs/a/b.txt', ['carol']],
  ['other/build/logs/a.txt', ['ada']],
  ['docs/a.md', ['dora']],
  ['docs/more/a.md', ['ada']],
  ['deep/apps/x.go', ['erin']],
  ['apps/free/x.go', []],
  ['scripts', ['fred']],
  ['scripts/run.sh', ['fred']],
  ['my/scripts', ['ada']],
  ['a/b/secrets', ['gina']],
  ['secrets/key', ['gina']],
  ['src/test.ts', ['hugo']],
  ['src/a/b/test.ts', ['hugo']],
  ['notes of mine.txt', ['ida']],
  ['a.txt', ['ada']],
  ['keep.txt', ['ada']],
])('%s', ([path, users, teams = []], { expect }) => {
  expect(ownersOf(file, [path])).toEqual({ users, teams });
});

test('owners of several paths are asked once each; nobody owns what no line fits', ({ expect }) => {
  const text = '/a @Ada @acme/Team\r\n/b @ada @bob\r\n';
  expect(ownersOf(text, ['a', 'b', 'c'])).toEqual({ users: ['ada', 'bob'], teams: ['acme/team'] });
  expect(ownersOf('', ['a'])).toEqual({ users: [], teams: [] });
});
