import { expect, test } from 'vitest';
import { placeOf, repositoryOfRemotes } from '../../src/core/remote-place.ts';
import type { Repository } from '../../src/core/repository.ts';

test.each([
  ['https://github.com/acme/web', 'github.com/acme/web'],
  ['https://ada:x@GitHub.com/Acme/Web.git', 'github.com/acme/web'],
  ['git@github.com:acme/web.git', 'github.com/acme/web'],
  ['github.com:acme/web/', 'github.com/acme/web'],
  ['ssh://git@github.com:22/acme/web.git', 'github.com/acme/web'],
  ['git://github.com/acme/web.git/', 'github.com/acme/web'],
  ['/srv/git/Web.git', '/srv/git/Web'],
  ['file:///srv/git/Web.git', '/srv/git/Web'],
  ['file:///C:/git/web', 'C:/git/web'],
  ['C:\\git\\web\\.git', 'C:/git/web'],
  ['acme/web', 'acme/web'],
  ['', ''],
])('%s is %s', (url, place) => {
  expect(placeOf(url)).toBe(place);
});

const repositories: Repository[] = [
  { name: 'web', codeHost: 'github', location: 'acme/web', base: null },
  { name: 'deep', codeHost: 'github', location: 'group/acme/web', base: null },
  { name: 'tools', codeHost: 'local-git', location: '/srv/git/tools.git', base: null },
];

test.each([
  [['git@github.com:acme/web.git'], 'web'],
  [['https://git.example.com/group/acme/web'], 'deep'],
  [['https://github.com/ada/web', 'https://github.com/acme/web'], 'web'],
  [['/srv/git/tools'], 'tools'],
  [['https://github.com/notacme/web'], null],
  [['https://github.com/evil/srv/git/tools'], null],
  [[], null],
])('a clone with %j is of %s', (remotes, name) => {
  expect(repositoryOfRemotes(remotes, repositories)?.name ?? null).toBe(name);
});
