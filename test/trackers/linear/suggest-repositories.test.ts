import { expect, test } from 'vitest';
import { candidateOf } from '../../../src/trackers/linear/reading/suggest-repositories.ts';

test.each<[string, string | null]>([
  ['https://github.com/acme/web.git', 'github.com acme/web'],
  ['https://user@git.example.com:8443/group/sub/web/', 'git.example.com group/sub/web'],
  ['git@GitLab.com:acme/web.git', 'gitlab.com acme/web'],
  ['ssh://git@github.com:22/acme/web', 'github.com acme/web'],
  ['acme/web', 'github.com acme/web'],
  ['web', null],
  ['/srv/git/acme/web.git', null],
  ['./acme/web', null],
  ['file:///srv/git/web.git', null],
  ['https://github.com/', null],
  ['acme/we b', null],
  ['', null],
])('what Linear may know %s by', (text, wanted) => {
  const candidate = candidateOf(text);
  expect(candidate && `${candidate.hostname} ${candidate.repositoryFullName}`).toBe(wanted);
});
