import { afterAll, beforeAll, describe, test } from 'vitest';
import { branchCommit, git } from '../stand-ins/github/git.ts';
import { type Somebody, somebody } from '../stand-ins/github/people.ts';
import { makeCommit, setBranch } from '../stand-ins/github/repositories.ts';
import type { Issue } from '../stand-ins/github/rows.ts';
import { type GitHubService, startGitHubService } from '../support/github-service.ts';

const bash = (command: string) => `calls: [{ tool: bash, input: { command: ${JSON.stringify(command)} } }]`;
const finish = (summary: string) =>
  `calls: [{ tool: finish, input: { title: ${summary}, summary: ${summary} is done. } }]`;

const script = `
tickets:
  Add x:
    - expect: ["pull request #1 of somebody else", "rename x to y, please", "Nice work"]
      ${bash('mv x.txt y.txt')}
    - ${finish('The renaming')}
    - expect: ["Bob, too: add z", "On y.txt:1", "the code there"]
      ${bash('test -s more.txt && cp y.txt z.txt')}
    - ${finish('The copy')}
`;

describe('a pull request of others, on which the agent is called', () => {
  let service: GitHubService;
  let bob: Somebody;
  beforeAll(async () => {
    service = await startGitHubService({
      script,
      issues: true,
      // Wherever tickets of its team go, a pull request is where it is.
      change: (config) => ({
        ...config,
        repositories: config.repositories.flatMap((app) => [app, { ...app, name: 'other' }]),
        routes: [{ team: 'app', repository: 'other' }],
      }),
      code: { 'readme.txt': 'hello\n', '.shipmate.yml': 'verify: [test -s readme.txt]\n' },
    });
    bob = somebody(service.github, service.remote, 'bob');
  });
  afterAll(() => service?.stop());

  const at = ({ number }: Issue) => `acme/app#${number}`;
  const log = (range: string) => git(service.remote.dir, ['log', '--reverse', '--format=%an', range]);
  const files = () => git(service.remote.dir, ['ls-tree', '--name-only', 'feature']);
  const answers = (issue: Issue) => service.saidOn(issue).filter((body) => !body.startsWith('<!-- shipmate:status'));
  const settled = async () => {
    await service.github.outbox.settled();
    await service.sorted();
  };

  test('does what is asked as a commit on its branch, each time, and leaves all else alone', async ({ expect }) => {
    const { ada, eve, remote, reviewing, app } = service;
    const before = await ada.commit('feature', { 'x.txt': 'x\n' });
    const issue = await ada.open({ title: 'Add x', body: 'It adds x.', head: 'feature', base: 'main' });
    eve.comment(issue.number, '@shipmate delete it all');
    bob.comment(issue.number, 'Nice work.');
    await settled();
    expect(await app.sessions.view(at(issue))).toBeNull();

    bob.comment(issue.number, '@shipmate rename x to y, please');
    const first = await service.rest(at(issue));
    expect(first).toMatchObject({ state: 'complete', repository: 'app' });
    await expect.poll(() => answers(issue).length).toBe(1);
    const commit = (await branchCommit(remote.dir, 'feature')) ?? '';
    expect(await git(remote.dir, ['rev-parse', `${commit}^`])).toBe(before);
    expect(answers(issue)[0]).toContain(`Pushed ${commit} to \`feature\` (proved).\n\nThe renaming is done.`);

    await ada.commit('feature', { 'more.txt': 'more\n' });
    await reviewing.review(issue, {
      by: bob.user,
      lines: [
        { path: 'y.txt', line: 1, body: '@shipmate Bob, too: add z' },
        { path: 'y.txt', line: 1, body: 'Ada, is that right?' },
      ],
    });
    const second = await service.rest(at(issue), 2);
    expect(second.state).toBe('complete');
    await expect.poll(() => answers(issue).length).toBe(2);
    expect((await log(`${before}..feature`)).split('\n')).toHaveLength(3);
    expect((await files()).split('\n')).toEqual(expect.arrayContaining(['more.txt', 'y.txt', 'z.txt']));

    expect(issue).toMatchObject({ title: 'Add x', body: 'It adds x.', labels: [], assignees: [] });
    expect(issue.pull).toMatchObject({ reviewers: [], teamReviewers: [] });
    expect(service.requests()).toEqual([]);
    expect(service.saidOn(issue)).toHaveLength(3);
    await ada.merge(issue.number);
    await service.ci.settled();
    await settled();
    await expect.poll(async () => (await app.sessions.view(at(issue)))?.runs.length).toBe(2);
    expect(await branchCommit(remote.dir, 'feature')).not.toBeNull();
    service.github.expectClean();
  });

  test('of a fork says why not', async ({ expect }) => {
    const { github, remote } = service;
    const fork = await github.addRepository('zoe/app', { parent: remote });
    const start = await branchCommit(fork.dir, 'main');
    await setBranch(fork.dir, 'patch', await makeCommit(fork.dir, start, { 'f.txt': 'f\n' }, 'From afar'));
    const issue = await bob.open({ title: 'From afar', head: 'zoe:patch', base: 'main' });
    bob.comment(issue.number, '@shipmate, mend the typo');
    await service.rest(at(issue));
    await expect.poll(() => answers(issue)[0]).toContain('comes from a fork');
    expect(await branchCommit(remote.dir, 'patch')).toBeNull();
  });
});
