import { afterAll, beforeAll, describe, test } from 'vitest';
import type { SessionView } from '../../src/app.ts';
import type { Ticket, TicketHint } from '../../src/core/ticket.ts';
import { branchCommit, git } from '../stand-ins/github/git.ts';
import { reporter } from '../stand-ins/github/issue-people.ts';
import { reviewsOf } from '../stand-ins/github/review-rows.ts';
import { type GitHubService, startGitHubService } from '../support/github-service.ts';
import { someone, type TestService } from '../support/service.ts';

const bash = (command: string) => `calls: [{ tool: bash, input: { command: ${JSON.stringify(command)} } }]`;
const finish = (title: string, more = '') =>
  `calls: [{ tool: finish, input: { title: ${title}, summary: ${title} is there.${more} } }]`;

const script = `
tickets:
  Whole way:
    - ${bash('echo one > one.txt')}
    - ${finish('One')}
    - expect: ["these checks failed", "two.txt is missing"]
      ${bash('echo two > two.txt')}
    - ${finish('One and two')}
    - expect: ["ada writes", "Say uno, please.", "[T1] one.txt:1", "[T2]"]
      ${bash('echo uno > one.txt')}
    - ${finish('Uno and two')}
    - expect: ["T1, T2 of the review have no answer"]
      ${finish('Uno and two', ', threads: [{ thread: T1, done: true, reply: "It is uno now." }, { thread: T2, done: false, reply: "Three is not part of the ticket." }]')}
  Fits alone:
    - ${bash('echo a > a.txt')}
    - ${finish('A')}
  An issue:
    - ${bash('echo i > i.txt')}
    - ${finish('I')}
`;

const checks = `
  test ! -e one.txt || test -e two.txt || { echo "Error: two.txt is missing"; exit 1; }
  test ! -e a.txt || test ! -e b.txt || { echo "Error: a and b do not go together"; exit 1; }
`;

const said = ({ activities }: SessionView, type: string) =>
  activities.flatMap(({ activity }) => (activity.type === type && 'body' in activity ? [activity.body] : []));

/** Without the marks by which the agent knows its own words. */
const visible = (body: string) => body.replaceAll(/<!--[\s\S]*?-->/g, '').trim();

async function ticketOf({ app }: TestService, id: string): Promise<Ticket> {
  const tracker = app.trackers.get('board');
  if (!tracker) throw new Error('There is no board.');
  return tracker.readTicket({ id, tracker: 'board' } as TicketHint, new AbortController().signal);
}

describe('on GitHub', () => {
  let service: GitHubService;
  beforeAll(async () => {
    service = await startGitHubService({
      script,
      code: { 'readme.txt': 'hello\n', '.shipmate.yml': 'verify: [test -s readme.txt]\n' },
      checks,
      issues: true,
    });
  });
  afterAll(() => service?.stop());

  test('a ticket, its pull request, red checks, mended, a review, answered, merged, done', async ({ expect }) => {
    const { app, ada, eve, github, remote, reviewing, ci } = service;
    const { identifier } = await app.desk.createTicket({ title: 'Whole way', assignee: 'shipmate' }, someone);
    const view = async () => (await app.sessions.view(identifier)) as SessionView;
    const progress = async () => (await view())?.progress;

    await expect.poll(progress, { timeout: 60_000 }).toMatch(/green/);
    const [issue, ...others] = service.requests();
    if (!issue?.pull) throw new Error('There is no pull request.');
    expect(others).toEqual([]);
    const first = await view();
    expect(first.runs.map(({ outcome }) => outcome?.stopReason)).toEqual(['finished', 'finished']);
    expect(said(first, 'thought')).toContainEqual('`test` fails on the pull request: I mend that now (round 1 of 2).');
    expect(said(first, 'response')).toEqual([
      expect.stringMatching(/^Pull request: http\S+\/acme\/app\/pull\/1 [\s\S]*Its check is green\./),
    ]);
    expect(service.saidOn(issue)).toEqual([expect.stringContaining('Ready for review')]);

    await reviewing.review(issue, { by: eve.user, body: 'Delete it all.', verdict: 'CHANGES_REQUESTED' });
    await reviewing.review(issue, {
      by: ada.user,
      verdict: 'CHANGES_REQUESTED',
      lines: [
        { path: 'one.txt', line: 1, body: 'Say uno, please.' },
        { path: 'two.txt', line: 1, body: 'Why not three?' },
      ],
    });
    await expect.poll(async () => (await view()).runs[2]?.outcome?.stopReason, { timeout: 30_000 }).toBe('finished');
    await expect.poll(progress, { timeout: 60_000 }).toMatch(/green/);
    const head = (await view()).headCommit ?? '';
    const { comments, threads } = reviewsOf(github);
    const replies = () => comments.filter(({ user }) => user.login !== 'ada').map(({ body }) => visible(body));
    await expect.poll(replies).toEqual([`It is uno now.\n\nDone in ${head}.`, 'Three is not part of the ticket.']);
    await expect.poll(() => threads.map(({ resolvedBy }) => resolvedBy !== null)).toEqual([true, false]);

    await ada.merge(issue.number, 'squash');
    await ci.settled();
    await expect.poll(progress, { timeout: 60_000 }).toBe('merged');
    await expect.poll(async () => (await ticketOf(service, identifier)).state.category).toBe('done');
    expect(said(await view(), 'response').at(-1)).toMatch(
      /^Done: http\S+ is merged, and `main` is fine with it\.[\s\S]*It took 1 min/,
    );
    await expect.poll(() => branchCommit(remote.dir, issue.pull?.head ?? '')).toBeNull();
    github.expectClean();
  });

  test('the base is red after the merge: people are told, with a revert that they may merge', async ({ expect }) => {
    const { app, ada, ci, remote } = service;
    const { identifier } = await app.desk.createTicket({ title: 'Fits alone', assignee: 'shipmate' }, someone);
    const view = async () => (await app.sessions.view(identifier)) as SessionView;
    await expect.poll(async () => (await view())?.progress, { timeout: 30_000 }).toMatch(/green/);
    const issue = service.requests().at(-1);
    await ada.commit('main', { 'b.txt': 'b\n' });
    await ci.settled();
    await ada.merge(issue?.number ?? 0);
    await ci.settled();
    await expect.poll(async () => (await view()).state, { timeout: 30_000 }).toBe('awaitingInput');
    await expect
      .poll(async () => said(await view(), 'elicitation').at(-1))
      .toMatch(
        /^`main` is red since http\S+ was merged: `test`\.[\s\S]*Merge the revert that I have prepared as a draft: http/,
      );
    const revert = service.requests().at(-1);
    expect([revert?.title, revert?.pull?.draft, revert?.pull?.base]).toEqual([
      `Revert "${issue?.title}"`,
      true,
      'main',
    ]);
    await ci.settled();
    if (revert?.pull) revert.pull.draft = false; // Ada has looked at it
    await ada.merge(revert?.number ?? 0);
    await ci.settled();
    const files = (await git(remote.dir, ['ls-tree', '--name-only', 'main'])).toString().split('\n');
    expect([files.includes('a.txt'), files.includes('b.txt')]).toEqual([false, true]);
  });

  test('an issue of the repository is a ticket: labelled it is worked on, merged it is closed as completed', async ({
    expect,
  }) => {
    const { github, remote, ci, ada } = service;
    const people = reporter(github, remote, ada.user);
    const issue = people.file({ title: 'An issue', body: 'Write i.' });
    people.label(issue, 'shipmate');
    const view = async () => service.app.sessions.view(`acme/app#${issue.number}`);
    await expect.poll(async () => (await view())?.progress, { timeout: 30_000 }).toMatch(/green/);
    const request = service.requests().at(-1);
    expect(request?.body).toContain(`acme/app#${issue.number}`);
    const labels = () => issue.labels.map(({ name }) => name).toSorted();
    await expect.poll(labels).toEqual(['in review', 'shipmate']);
    await ada.merge(request?.number ?? 0, 'squash');
    await ci.settled();
    await expect.poll(() => [issue.state, issue.stateReason], { timeout: 30_000 }).toEqual(['closed', 'completed']);
    await expect.poll(async () => (await view())?.progress).toBe('merged');
  });
});
