import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGitHub } from '../../../src/code-hosts/github/github.ts';
import { readRequests } from '../../../src/code-hosts/github/request-marker.ts';
import type { Repository } from '../../../src/core/repository.ts';
import type { CodeHostWorld } from '../../contracts/code-host.ts';
import { branchCommit, git } from '../../stand-ins/github/git.ts';
import { type Somebody, somebody } from '../../stand-ins/github/people.ts';
import { makeCommit, type NewRepository } from '../../stand-ins/github/repositories.ts';
import type { Repository as Row } from '../../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';

export const repositoryAt = (location: string): Repository => ({
  name: 'app',
  codeHost: 'github',
  location,
  base: null,
});

/** The adapter as the App of this GitHub, or by a token. */
export function hostOf(
  github: GitHub,
  { labels = [], token = null }: { labels?: string[]; token?: string | null } = {},
) {
  const { id, privateKey } = github.apps.app;
  return createGitHub({
    settings: { apiUrl: github.apiUrl, appId: String(id), labels, agent: 'Shipmate' },
    secrets: token === null ? { privateKey, token } : { privateKey: null, token },
    webhookSecrets: [github.apps.app.webhookSecret],
  });
}

export interface GitHubWorld extends CodeHostWorld {
  github: GitHub;
  row: Row;
  ada: Somebody;
  /** A new commit with these files on the default branch, in `gitDir` only. */
  commitOf(files: Record<string, string>): Promise<string>;
}

/** A private repository whose default branch is named with a slash, where the App is installed. */
export async function openGitHubWorld(wanted: NewRepository = {}, labels: string[] = []): Promise<GitHubWorld> {
  const github = await startGitHub();
  const home = await mkdtemp(join(tmpdir(), 'shipmate-github-host-'));
  const row = await github.addRepository('acme/app', { defaultBranch: 'trunk/main', ...wanted });
  github.apps.install(row.owner);
  const ada = somebody(github, row, 'ada', 'admin');
  const gitDir = join(home, 'ours.git');
  await git(gitDir, ['clone', '--quiet', '--bare', row.dir, gitDir]);
  const first = (await branchCommit(gitDir, row.defaultBranch)) ?? '';
  let made = 0;

  const commitTree = (tree: string) => git(gitDir, ['commit-tree', '-m', `Commit ${made++}`, '-p', first, tree]);
  return {
    github,
    row,
    ada,
    host: hostOf(github, { labels }),
    repository: repositoryAt('acme/app'),
    missing: repositoryAt('acme/nowhere'),
    defaultBranch: row.defaultBranch,
    permalinks: `${github.url}/acme/app/blob`,
    gitDir,
    commit: () => commitTree(`${first}^{tree}`),
    commitOf: (files) => makeCommit(gitDir, first, files, `Commit ${made++}`),
    outside: {
      branch: (name) => branchCommit(row.dir, name),
      async pullRequests() {
        return [...row.issues.values()].flatMap(({ number, title, body, pull }) =>
          pull ? [{ number, title, body: readRequests(body).body, head: pull.head, base: pull.base }] : [],
        );
      },
    },
    person: {
      setBranch: (name, commit) => ada.setBranch(name, commit),
      async merge({ number }) {
        await ada.merge(number);
      },
    },
    async close() {
      await github.close();
      await rm(home, { recursive: true, force: true });
      github.expectClean();
    },
  };
}
