import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRequestFollowing } from '../../../../src/code-hosts/github/following/following.ts';
import type { Remark } from '../../../../src/core/request-progress.ts';
import { createGitHubClient } from '../../../../src/vendors/github/client.ts';
import { addComment } from '../../../stand-ins/github/comments.ts';
import { reviewsOf } from '../../../stand-ins/github/review-rows.ts';
import type { Issue } from '../../../stand-ins/github/rows.ts';
import { createWorld, tenLines, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.github.faults.clear());
afterAll(() => world?.close());

async function remarksOf(issue: Issue): Promise<Map<string, Remark>> {
  const { remarks } = await world.read(issue);
  expect(remarks.map(({ at }) => at)).toEqual(remarks.map(({ at }) => at).sort());
  return new Map(remarks.map((remark) => [remark.body, remark]));
}

const threadQueries = () =>
  world.github.requests.filter(
    ({ operation, body }) => operation === 'graphql' && JSON.stringify(body).includes('reviewThreads'),
  );

test('reviews, threads and comments, and who is heard', async () => {
  const { github, row, ada, bob, reviewing } = world;
  const { issue, branch } = await world.open();
  const { bot } = github.apps.app;
  const suggestion = 'Shorter:\n```suggestion\nfive\n```';
  const { review, comments } = await reviewing.review(issue, {
    by: ada.user,
    verdict: 'CHANGES_REQUESTED',
    body: 'Not yet.',
    lines: [
      { path: 'a.txt', line: 5, body: suggestion },
      { path: 'a.txt', line: 7, startLine: 6, body: 'Both of these' },
      { path: 'a.txt', body: 'The whole file' },
    ],
  });
  const [first] = comments;
  if (!first) throw new Error('no comment');
  await reviewing.reply(first, bot, 'Mine, that nobody must hear again');
  await reviewing.reply(first, bob.user, '@shipmate and I');
  await reviewing.review(issue, {
    by: ada.user,
    body: 'PENDING',
    isPending: true,
    lines: [{ path: 'a.txt', line: 5, body: 'Pending' }],
  });
  await reviewing.review(issue, { by: bob.user, verdict: 'APPROVED' });
  ada.comment(issue.number, 'Please, @shipmate[bot].');
  addComment(github, row, issue, github.addUser('dependabot[bot]', 'Bot'), 'By a bot');
  addComment(github, row, issue, bot, 'Mine');

  const seen = await remarksOf(issue);
  const whole = { thread: null, isResolved: false, path: null, line: null, excerpt: '' };
  const by = ({ user }: { user: { id: number; login: string } }) => ({
    id: String(user.id),
    name: user.login,
    isBot: false,
  });
  expect([...seen.keys()].sort()).toEqual(
    [
      '',
      '@shipmate and I',
      'Both of these',
      'By a bot',
      'Not yet.',
      'Please, @shipmate[bot].',
      suggestion,
      'The whole file',
    ].sort(),
  );
  expect(seen.get('Not yet.')).toEqual({
    ...whole,
    key: `review:${review.id}`,
    kind: 'review',
    author: by(ada),
    mayWrite: true,
    verdict: 'changesRequested',
    body: 'Not yet.',
    mentions: false,
    at: review.submittedAt,
  });
  expect(seen.get(suggestion)).toEqual({
    key: `line:${first.id}`,
    kind: 'line',
    author: by(ada),
    mayWrite: true,
    verdict: null,
    thread: first.thread.id,
    isResolved: false,
    path: 'a.txt',
    line: 5,
    excerpt: `-line 5\n+line 5 of ${branch}`,
    body: suggestion,
    mentions: false,
    at: first.createdAt,
  });
  expect(seen.get('Both of these')).toMatchObject({ line: 7, excerpt: ' line 6\n line 7' });
  expect(seen.get('The whole file')).toMatchObject({ path: 'a.txt', line: null, excerpt: '' });
  expect(seen.get('@shipmate and I')).toMatchObject({ mayWrite: false, mentions: true, thread: first.thread.id });
  expect(seen.get('')).toMatchObject({ kind: 'review', verdict: 'approved', mayWrite: false, author: by(bob) });
  expect(seen.get('Please, @shipmate[bot].')).toMatchObject({
    ...whole,
    kind: 'comment',
    mentions: true,
    mayWrite: true,
  });
  expect(seen.get('By a bot')).toMatchObject({ author: { isBot: true }, mayWrite: false });
});

test('a batch that is submitted, dismissed, edited, answered and resolved', async () => {
  const { ada, reviewing, github } = world;
  const { issue } = await world.open();
  const lines = [
    { path: 'a.txt', line: 5, body: 'One' },
    { path: 'a.txt', line: 6, body: 'Two' },
  ];
  const { review, comments } = await reviewing.review(issue, { by: ada.user, isPending: true, lines });
  expect((await world.read(issue)).remarks).toEqual([]);
  await reviewing.submit(review);
  expect([...(await remarksOf(issue)).keys()]).toEqual(['One', 'Two']);
  const [one, two] = comments;
  if (!one || !two) throw new Error('no comments');
  await reviewing.edit(one, 'One, edited');
  const edited = (await remarksOf(issue)).get('One, edited');
  expect(edited?.key).toBe(`line:${one.id}`);

  // REST does not tell of it: it is asked for a while after, as long as something is open.
  github.requests.length = 0;
  await reviewing.resolve(one.thread, ada.user);
  expect((await remarksOf(issue)).get('One, edited')?.isResolved).toBe(false);
  expect(threadQueries()).toHaveLength(0);
  world.wait(120_000);
  const seen = await remarksOf(issue);
  expect([seen.get('One, edited')?.isResolved, seen.get('Two')?.isResolved]).toEqual([true, false]);
  expect(threadQueries()).toHaveLength(1);
  await reviewing.resolve(two.thread, ada.user);
  world.wait(120_000);
  expect((await remarksOf(issue)).get('Two')?.isResolved).toBe(true);
  world.wait(120_000);
  await remarksOf(issue);
  expect(threadQueries()).toHaveLength(2);

  const { review: strict } = await reviewing.review(issue, { by: ada.user, verdict: 'CHANGES_REQUESTED', body: 'No' });
  expect((await remarksOf(issue)).get('No')?.verdict).toBe('changesRequested');
  await reviewing.dismiss(strict, ada.user);
  expect((await remarksOf(issue)).get('No')?.verdict).toBeNull();
});

test('lines move with the head; one that is gone has no place', async () => {
  const { ada, reviewing } = world;
  const { issue, branch } = await world.open();
  const on = (line: number) => ({ path: 'a.txt', line, body: `on ${line}` });
  await reviewing.review(issue, { by: ada.user, lines: [on(5), on(7)] });
  const changed = tenLines.replace('line 5', 'line V').replace('line 1\n', 'line 1\nline 1a\n');
  await ada.commit(branch, { 'a.txt': changed });
  const seen = await remarksOf(issue);
  expect(seen.get('on 5')).toMatchObject({ line: null, excerpt: `-line 5\n+line 5 of ${branch}` });
  expect(seen.get('on 7')).toMatchObject({ line: 8, excerpt: ' line 7' });
});

test('more than a page of each', async () => {
  const { ada, reviewing, row, github } = world;
  const { issue } = await world.open();
  const comment = addComment(github, row, issue, ada.user, 'Comment');
  const add = (body: string) => issue.comments.push({ ...comment, id: github.nextId(), body });
  for (let each = 0; each < 99; each++) add(`Comment ${each}`);
  expect((await remarksOf(issue)).size).toBe(100);
  // The first page is as it was, and was the last.
  for (let each = 99; each < 200; each++) add(`Comment ${each}`);
  await reviewing.review(issue, { by: ada.user, lines: [{ path: 'a.txt', line: 5, body: 'Line' }] });
  const { comments, threads } = reviewsOf(github);
  const [line] = comments.slice(-1);
  if (!line) throw new Error('no comment');
  for (let each = 0; each < 100; each++) {
    const thread = { ...line.thread, id: `PRRT_${github.nextId()}` };
    threads.push(thread);
    comments.push({ ...line, id: github.nextId(), thread, body: `Line ${each}` });
  }
  const seen = await remarksOf(issue);
  expect(seen.size).toBe(302);
  expect([...seen.values()].filter(({ kind, thread }) => kind === 'line' && thread === null)).toEqual([]);
});

test('who may write is asked once in a while', async () => {
  const { ada, github, row } = world;
  const { issue } = await world.open();
  world.wait(600_000);
  ada.comment(issue.number, 'One');
  ada.comment(issue.number, 'Two');
  github.requests.length = 0;
  const asked = () =>
    github.requests.filter(({ operation }) => operation === 'repos/get-collaborator-permission-level');
  expect((await remarksOf(issue)).get('Two')?.mayWrite).toBe(true);
  await world.read(issue);
  expect(asked()).toHaveLength(1);
  row.levels.set('ada', 'read');
  world.wait(600_000);
  expect((await remarksOf(issue)).get('One')?.mayWrite).toBe(false);
  row.levels.set('ada', 'write');
  world.wait(600_000);
});

test('with a person’s own token that person is heard, and we are not', async () => {
  const { ada, github, repository } = world;
  const { issue } = await world.open();
  const token = github.apps.personalToken(ada.user);
  const client = createGitHubClient({ apiUrl: github.apiUrl, appId: null, privateKey: null, token });
  const following = createRequestFollowing({ client, agent: 'Deckhand' });
  const signal = new AbortController().signal;
  ada.comment(issue.number, '@Deckhand, shorter');
  const operation = { kind: 'replyToRemark', id: 'r1', repository: 'app', number: issue.number } as const;
  await following.write(repository, { ...operation, thread: null, body: 'Done', resolve: false }, signal);
  const { remarks } = await following.read(repository, issue.number, signal);
  expect(remarks).toMatchObject([{ body: '@Deckhand, shorter', mentions: true, mayWrite: true }]);
  expect(issue.comments).toHaveLength(2);
});
