import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectGit, type GitClient } from './connect.ts';
import { accentedName, createSampleHistory, oddName, type SampleRepository } from './sample-history.ts';

let repository: SampleRepository;
let git: GitClient;

beforeAll(async () => {
  repository = createSampleHistory();
  git = await connectGit(repository.directory);
});

afterAll(async () => {
  await git.close();
  repository.remove();
});

/** A result with `<id>` for names of commits, which say nothing to a reader of this file. */
async function call(tool: string, args: Record<string, unknown>): Promise<string> {
  return (await git.call(tool, args)).replace(/\b[0-9a-f]{40}\b|\b[0-9a-f]{10}\b|\b[0-9a-f]{7}\b/g, '<id>');
}

test('every tool says that it only reads', async () => {
  const { tools } = await git.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'search-history',
    'blame-range',
    'show-commit',
    'diff-branches',
    'last-touched',
    'find-pull-requests',
  ]);
  for (const { annotations } of tools) {
    expect(annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false, openWorldHint: false });
  }
});

test('what an agent carries in each request because of these tools is under 700 tokens', async () => {
  const { tools } = await git.client.listTools();
  const carried = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(encode(JSON.stringify(carried)).length).toBeLessThan(700);
});

describe('search-history', () => {
  test('finds where a text came and went, with the lines', async () => {
    expect(await call('search-history', { text: 'cap = 9' })).toBe(
      [
        '<id> 2026-03-11 Ada Lovelace  Drop the cap',
        '    src/retry.ts',
        '      - export const cap = 9;',
        '<id> 2026-03-07 Grace Hopper  ENG-3: more tries',
        '    src/retry.ts',
        '      + export const cap = 9;',
      ].join('\n'),
    );
  });

  test('takes a regular expression', async () => {
    expect(await call('search-history', { regex: 'maxRetries = [0-9]', path: 'src' })).toBe(
      [
        '<id> 2026-03-07 Grace Hopper  ENG-3: more tries',
        '    src/retry.ts',
        '<id> 2026-03-02 Ada Lovelace  Begin',
        '    src/backoff.ts',
      ].join('\n'),
    );
    expect(await call('search-history', { regex: 'maxRetries = \\d' })).toBe(
      'No commit reachable from HEAD matches. The regex is POSIX: [0-9] instead of \\d, no lookaround.',
    );
  });

  test('follows a file through its rename', async () => {
    expect(await call('search-history', { path: 'src/retry.ts' })).toBe(
      [
        '<id> 2026-03-11 Ada Lovelace  Drop the cap',
        '<id> 2026-03-07 Grace Hopper  ENG-3: more tries',
        '<id> 2026-03-06 Grace Hopper  Call it retry (#12)',
        '<id> 2026-03-04 Grace Hopper  Wait longer',
        '<id> 2026-03-02 Ada Lovelace  Begin',
      ].join('\n'),
    );
    expect(await call('search-history', { path: 'src/retry.ts', text: 'base = 250' })).toBe(
      ['<id> 2026-03-04 Grace Hopper  Wait longer', '    src/backoff.ts', '      + export const base = 250;'].join(
        '\n',
      ),
    );
  });

  test('narrows by author and message, whatever the case, and by day', async () => {
    expect(await call('search-history', { author: 'grace', message: 'eng-3' })).toBe(
      '<id> 2026-03-07 Grace Hopper  ENG-3: more tries',
    );
    expect(await call('search-history', { since: '2026-03-06', until: '2026-03-07' })).toBe(
      ['<id> 2026-03-07 Grace Hopper  ENG-3: more tries', '<id> 2026-03-06 Grace Hopper  Call it retry (#12)'].join(
        '\n',
      ),
    );
    expect(await call('search-history', { author: '.*' })).toBe('No commit reachable from HEAD matches.');
  });

  test('says when there are more, and takes an empty text for none', async () => {
    expect(await call('search-history', { text: '', author: 'ada', limit: 1 })).toBe(
      '<id> 2026-03-11 Ada Lovelace  Drop the cap\n(There are more; raise limit, or narrow by path, author, since, until.)',
    );
  });

  test('refuses what it cannot understand, and says what it takes', async () => {
    expect(await git.fail('search-history', { since: 'the big bang' })).toBe(
      '"the big bang" is not a date that is known here; write 2026-01-31 or "3 weeks ago".',
    );
    expect(await git.fail('search-history', { text: 'a', regex: 'b' })).toBe('Pass text or regex, not both.');
    expect(await git.fail('search-history', { query: 'a' })).toContain('query');
  });
});

describe('blame-range', () => {
  test('groups neighbouring lines of one commit and tells former names', async () => {
    expect(await call('blame-range', { path: 'src/retry.ts', start: 1, ref: 'HEAD~1' })).toBe(
      [
        '1: <id> 2026-03-07 Grace Hopper  ENG-3: more tries',
        '    export const maxRetries = 5;',
        '2: <id> 2026-03-04 Grace Hopper  Wait longer  (then src/backoff.ts)',
        '    export const base = 250;',
        '3: <id> 2026-03-02 Ada Lovelace  Begin  (then src/backoff.ts)',
        '    export function wait() {}',
        '4-5: <id> 2026-03-07 Grace Hopper  ENG-3: more tries',
        '    ',
        '    export const cap = 9;',
      ].join('\n'),
    );
  });

  test('of one line, by an absolute path', async () => {
    expect(await call('blame-range', { path: `${repository.directory}/${oddName}`, start: 2, end: 2 })).toBe(
      '2: <id> 2026-03-07 Grace Hopper  ENG-3: more tries\n    two',
    );
  });

  test('says what is wrong with a range or path', async () => {
    expect(await git.fail('blame-range', { path: 'README.md', start: 9 })).toBe('file README.md has only 1 line');
    expect(await git.fail('blame-range', { path: 'README.md', start: 3, end: 2 })).toContain('swap start and end');
    expect(await git.fail('blame-range', { path: 'nope.md', start: 1 })).toContain('no such path nope.md in');
    expect(await git.fail('blame-range', { path: '../nope.md', start: 1 })).toContain('is outside the repository');
  });
});

describe('show-commit', () => {
  test('shows message, files and patch', async () => {
    expect(await call('show-commit', { commit: 'HEAD' })).toBe(
      [
        'commit <id>',
        'author Ada Lovelace, 2026-03-11',
        '',
        'Drop the cap',
        '',
        '1 file changed (lines added, removed):',
        '  0 2 src/retry.ts',
        '',
        'diff --git a/src/retry.ts b/src/retry.ts',
        'index <id>..<id> 100644',
        '--- a/src/retry.ts',
        '+++ b/src/retry.ts',
        '@@ -1,5 +1,3 @@',
        ' export const maxRetries = 5;',
        ' export const base = 250;',
        ' export function wait() {}',
        '-',
        '-export const cap = 9;',
      ].join('\n'),
    );
  });

  test('of a merge, what it brought in; of the first commit, everything', async () => {
    const merge = await call('show-commit', { commit: 'HEAD~1' });
    expect(merge).toContain('merge of <id> into <id>\n');
    expect(merge).toContain(`1 file changed (lines added, removed):\n  1 0 ${accentedName}\n`);
    const first = await call('show-commit', { commit: 'HEAD~6' });
    expect(first).toContain('2 files changed (lines added, removed):\n  1 0 README.md\n  3 0 src/backoff.ts\n');
  });

  test('narrowed to a path', async () => {
    expect(await call('show-commit', { commit: 'HEAD~2', path: oddName })).toContain(
      '\n  1 0 "odd/line\\nbreak.txt"\n',
    );
    expect(await call('show-commit', { commit: 'HEAD', path: 'docs' })).toContain('Nothing changed in docs.');
  });
});

describe('diff-branches', () => {
  test('shows what a branch changed since it left the other', async () => {
    expect(await call('diff-branches', { base: 'jitter', head: 'main~3' })).toBe(
      [
        'main~3 is 2 commits ahead of jitter and 0 behind; they parted at <id>.',
        '  <id> 2026-03-06 Grace Hopper  Call it retry (#12)',
        '  <id> 2026-03-05 Ada Lovelace  Merge pull request #7 from grace/jitter',
        '',
        '1 file changed (lines added, removed):',
        '  0 0 src/{backoff.ts => retry.ts}',
        '',
        'diff --git a/src/backoff.ts b/src/retry.ts',
        'similarity index 100%',
        'rename from src/backoff.ts',
        'rename to src/retry.ts',
      ].join('\n'),
    );
  });

  test('takes HEAD and the default branch when none is named', async () => {
    expect(await call('diff-branches', {})).toBe(
      'HEAD is 0 commits ahead of main and 0 behind; they parted at <id>.\n\nNo file changed.',
    );
  });
});

test('last-touched: the last commit of each path, and who made most', async () => {
  expect(await call('last-touched', { paths: ['src/retry.ts', oddName, 'docs', 'nope'] })).toBe(
    [
      'src/retry.ts',
      '  last: <id> 2026-03-11 Ada Lovelace  Drop the cap',
      '  of 5 commits: Grace Hopper 3 (last 2026-03-07); Ada Lovelace 2 (last 2026-03-11)',
      '"odd/line\\nbreak.txt"',
      '  last: <id> 2026-03-07 Grace Hopper  ENG-3: more tries',
      '  of 2 commits: Grace Hopper 1 (last 2026-03-07); Ada Lovelace 1 (last 2026-03-03)',
      'docs',
      '  last: <id> 2026-03-09 Ada Lovelace  Translate',
      '  of 2 commits: Ada Lovelace 2 (last 2026-03-09)',
      'nope: not in this history; check the spelling, paths start at the top of the repository',
    ].join('\n'),
  );
});

test('find-pull-requests: from merges and squashes, through renames', async () => {
  expect(await call('find-pull-requests', { paths: ['src/retry.ts', oddName, accentedName] })).toBe(
    [
      `#31 Translate the page [docs]  2026-03-10 Ada Lovelace <id>  ${accentedName}`,
      'merged shipmate/eng-3  2026-03-08 Ada Lovelace <id>  "odd/line\\nbreak.txt", src/retry.ts',
      '#12 Call it retry  2026-03-06 Grace Hopper <id>  src/retry.ts',
      '#7 Wait longer between tries [jitter]  2026-03-05 Ada Lovelace <id>  src/backoff.ts',
      '(3 commits to these paths name no pull request; search-history lists them.)',
    ].join('\n'),
  );
  expect(await call('find-pull-requests', { paths: ['README.md'] })).toContain('No pull request is remembered');
});
