import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface SampleRepository {
  directory: string;
  git(...args: string[]): string;
  write(path: string, text: string): void;
  /** Commits everything as `author`, one day after the last commit. */
  commit(message: string, author?: 'Ada Lovelace' | 'Grace Hopper'): string;
  merge(branch: string, message: string): void;
  remove(): void;
}

/** An empty repository in a temporary directory, on branch `main`. Days pass from 1 March 2026 on. */
export function createRepository(): SampleRepository {
  const directory = mkdtempSync(join(tmpdir(), 'shipmate-history-'));
  let day = 0;
  const env = (author: string) => {
    const date = new Date(Date.UTC(2026, 2, 1 + day, 12)).toISOString();
    const email = `${author.split(' ')[0]?.toLowerCase()}@example.org`;
    return {
      PATH: process.env.PATH,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: author,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: author,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    };
  };
  const run = (author: string, args: string[]) =>
    execFileSync('git', ['-C', directory, ...args], { encoding: 'utf8', env: env(author), stdio: 'pipe' });
  const git = (...args: string[]) => run('Ada Lovelace', args);
  git('init', '-q', '-b', 'main');
  return {
    directory,
    git,
    write(path, text) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    },
    commit(message, author = 'Ada Lovelace') {
      day += 1;
      git('add', '--all');
      run(author, ['commit', '-q', '--allow-empty', '-m', message]);
      return git('rev-parse', 'HEAD').trim();
    },
    merge(branch, message) {
      day += 1;
      git('merge', '-q', '--no-ff', '-m', message, branch);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export const oddName = 'odd/line\nbreak.txt';
export const accentedName = 'docs/naïve café.md';

/** A small project with a past: two authors, a rename, merges and squashes of several code hosts, awkward file names. */
export function createSampleHistory(): SampleRepository {
  const repository = createRepository();
  const { git, write, commit, merge } = repository;

  write('src/backoff.ts', 'export const maxRetries = 3;\nexport const base = 100;\nexport function wait() {}\n');
  write('README.md', '# Sample\n');
  commit('Begin');
  write(oddName, 'one\n');
  write(accentedName, 'un\n');
  write('with space.txt', 'a\n');
  write('-n5', 'starts with a dash\n');
  commit('Add awkward names');

  git('switch', '-q', '-c', 'jitter');
  write('src/backoff.ts', 'export const maxRetries = 3;\nexport const base = 250;\nexport function wait() {}\n');
  commit('Wait longer', 'Grace Hopper');
  git('switch', '-q', 'main');
  merge('jitter', 'Merge pull request #7 from grace/jitter\n\nWait longer between tries');

  git('mv', 'src/backoff.ts', 'src/retry.ts');
  commit('Call it retry (#12)', 'Grace Hopper');

  git('switch', '-q', '-c', 'shipmate/eng-3');
  write(
    'src/retry.ts',
    'export const maxRetries = 5;\nexport const base = 250;\nexport function wait() {}\n\nexport const cap = 9;\n',
  );
  write(oddName, 'one\ntwo\n');
  commit('ENG-3: more tries', 'Grace Hopper');
  git('switch', '-q', 'main');
  merge('shipmate/eng-3', "Merge branch 'shipmate/eng-3'");

  git('switch', '-q', '-c', 'docs');
  write(accentedName, 'un\ndeux\n');
  commit('Translate');
  git('switch', '-q', 'main');
  merge('docs', "Merge branch 'docs' into 'main'\n\nTranslate the page\n\nSee merge request team/sample!31");

  write('src/retry.ts', `${'export const maxRetries = 5;\nexport const base = 250;\nexport function wait() {}\n'}`);
  commit('Drop the cap');
  return repository;
}
