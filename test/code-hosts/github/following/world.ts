import type { RequestFollowing } from '../../../../src/code-hosts/code-host.ts';
import { createRequestFollowing } from '../../../../src/code-hosts/github/following/following.ts';
import type { RequestOperation } from '../../../../src/core/effect.ts';
import type { Repository } from '../../../../src/core/repository.ts';
import type { RequestProgress } from '../../../../src/core/request-progress.ts';
import { createGitHubClient, type GitHubClient } from '../../../../src/vendors/github/client.ts';
import { type Somebody, somebody } from '../../../stand-ins/github/people.ts';
import { openPull } from '../../../stand-ins/github/pulls.ts';
import { createReviewing, type Reviewing } from '../../../stand-ins/github/reviewing.ts';
import type { Issue, Repository as Row } from '../../../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../../../stand-ins/github/server.ts';

const never = new AbortController().signal;

export interface World {
  github: GitHub;
  row: Row;
  repository: Repository;
  client: GitHubClient;
  following: RequestFollowing;
  /** May write. */
  ada: Somebody;
  /** May only read. */
  bob: Somebody;
  reviewing: Reviewing;
  /** Added to the adapter's clock. */
  wait(ms: number): void;
  /** A branch of ours with one commit, and its pull request. */
  open(files?: Record<string, string>): Promise<{ issue: Issue; branch: string; head: string }>;
  read(issue: Issue): Promise<RequestProgress>;
  write(operation: Record<string, unknown> & { kind: RequestOperation['kind'] }): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export const tenLines = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`).join('');

export async function createWorld(): Promise<World> {
  const github = await startGitHub();
  const row = await github.addRepository('acme/app', { files: { 'a.txt': tenLines, 'test.sh': 'exit 0\n' } });
  github.apps.install(row.owner);
  const { bot } = github.apps.app;
  const agent = somebody(github, row, bot.login);
  const repository: Repository = { name: 'app', codeHost: 'github', location: 'acme/app', base: null };
  let waited = 0;
  let made = 0;
  const { id, privateKey } = github.apps.app;
  const client = createGitHubClient({ apiUrl: github.apiUrl, appId: String(id), privateKey, token: null });
  const following = createRequestFollowing({ client, agent: 'Deckhand', now: () => Date.now() + waited });
  return {
    github,
    row,
    repository,
    client,
    following,
    ada: somebody(github, row, 'ada'),
    bob: somebody(github, row, 'bob', 'read'),
    reviewing: createReviewing(github, row),
    wait(ms) {
      waited += ms;
    },
    async open(files = {}) {
      const branch = `shipmate/app-${++made}`;
      const head = await agent.commit(branch, { 'a.txt': tenLines.replace('line 5', `line 5 of ${branch}`), ...files });
      return {
        issue: await openPull(github, row, bot, { title: `T${made}`, head: branch, base: 'main' }),
        branch,
        head,
      };
    },
    read: (issue) => following.read(repository, issue.number, never),
    write: (operation) =>
      following.write(repository, { id: 'op:1', repository: 'app', ...operation } as RequestOperation, never),
    async close() {
      await github.close();
      github.expectClean();
    },
  };
}
