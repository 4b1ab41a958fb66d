import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RequestOperation } from '../../../../src/core/effect.ts';
import { addComment } from '../../../stand-ins/github/comments.ts';
import { branchCommit } from '../../../stand-ins/github/git.ts';
import { reviewsOf, type Thread } from '../../../stand-ins/github/review-rows.ts';
import type { Issue } from '../../../stand-ins/github/rows.ts';
import { createWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.github.faults.clear());
afterAll(() => world?.close());

const marked = (body: string, id: string) => `${body}\n\n<!-- shipmate:${id} -->`;

/** A thread of ada's, and what was said in it. */
async function threadIn(issue: Issue): Promise<{ thread: Thread; said: () => string[] }> {
  const { comments } = await world.reviewing.review(issue, {
    by: world.ada.user,
    lines: [{ path: 'a.txt', line: 5, body: 'Why?' }],
  });
  const thread = comments[0]?.thread as Thread;
  const said = () =>
    reviewsOf(world.github)
      .comments.filter((comment) => comment.thread === thread)
      .map(({ body }) => body);
  return { thread, said };
}

type Reply = Partial<Extract<RequestOperation, { kind: 'replyToRemark' }>>;
const reply = (issue: Issue, more: Reply) =>
  world.write({ kind: 'replyToRemark', number: issue.number, thread: null, resolve: false, body: 'Done', ...more });

describe('replies', () => {
  test('in a thread, with its commit, and resolved', async () => {
    const { issue, head } = await world.open();
    const { thread, said } = await threadIn(issue);
    const operation = { id: 'reply:1', thread: thread.id, body: 'Done in {commit}.', commit: head, resolve: true };
    const sent = await reply(issue, operation);
    expect(sent).toEqual({ url: expect.stringContaining('#discussion_r'), isResolved: true });
    expect(thread.resolvedBy?.login).toBe('shipmate[bot]');
    expect(await reply(issue, operation)).toEqual(sent);
    expect(await reply(issue, { ...operation, id: 'reply:2', body: 'No, because …', resolve: false })).toMatchObject({
      isResolved: true,
    });
    expect(said()).toEqual(['Why?', marked(`Done in ${head}.`, 'reply:1'), marked('No, because …', 'reply:2')]);
    expect((await world.read(issue)).remarks.map(({ body, isResolved }) => [body, isResolved])).toEqual([
      ['Why?', true],
    ]);
  });

  test('on the whole; what looks like ours but is another’s does not count', async () => {
    const { issue } = await world.open();
    world.bob.comment(issue.number, marked('Mine', 'reply:3'));
    const sent = await reply(issue, { id: 'reply:3', body: 'All done' });
    expect(sent).toEqual({ url: expect.stringContaining('#issuecomment-') });
    expect(await reply(issue, { id: 'reply:3', body: 'All done' })).toEqual(sent);
    expect(issue.comments.map(({ body }) => body)).toEqual([marked('Mine', 'reply:3'), marked('All done', 'reply:3')]);
  });

  test.for([
    ['issues/create-comment', 'loseReply'],
    ['issues/create-comment', 'status'],
    ['pulls/create-reply-for-review-comment', 'loseReply'],
    ['pulls/create-reply-for-review-comment', 'status'],
  ] as const)('%s: carried out, and the answer lost (%s): seen once', async ([operation, type]) => {
    const { github } = world;
    const { issue } = await world.open();
    const { thread, said } = await threadIn(issue);
    const inThread = operation.startsWith('pulls');
    const action = type === 'status' ? ({ type, status: 502, commit: 'after' } as const) : { type };
    github.faults.add({ operation, nth: 1, action });
    const more = { id: `lost:${operation}:${type}`, thread: inThread ? thread.id : null, resolve: inThread };
    await expect(reply(issue, more)).rejects.toMatchObject({
      name: 'VendorError',
      code: 'unavailable',
      retryable: true,
    });
    expect(await reply(issue, more)).toMatchObject(inThread ? { isResolved: true } : {});
    const all = inThread ? said().slice(1) : issue.comments.map(({ body }) => body);
    expect(all).toEqual([marked('Done', more.id)]);
    expect(github.faults.unmet()).toEqual([]);
  });

  test.for(['primary', 'secondary'] as const)(
    'asked to wait (%s): nothing is sent until it is sent again',
    async (shape) => {
      const { issue } = await world.open();
      const action = { type: 'rateLimit', shape, seconds: 30 } as const;
      world.github.faults.add({ operation: 'issues/create-comment', nth: 1, action });
      await expect(reply(issue, { id: shape })).rejects.toMatchObject({ code: 'rate_limited', retryable: true });
      expect(issue.comments).toEqual([]);
      await reply(issue, { id: shape });
      expect(issue.comments).toHaveLength(1);
    },
  );

  test('a thread that may not be resolved is answered; one that is gone is not', async () => {
    const { github, row } = world;
    const { issue } = await world.open();
    const { thread, said } = await threadIn(issue);
    const refused = {
      data: { resolveReviewThread: null },
      errors: [{ type: 'FORBIDDEN', message: 'Resource not accessible by integration', path: ['resolveReviewThread'] }],
    };
    github.faults.add({
      operation: 'graphql',
      nth: 2,
      action: { type: 'status', status: 200, commit: 'before', body: refused },
    });
    expect(await reply(issue, { id: 'r', thread: thread.id, resolve: true })).toMatchObject({ isResolved: false });
    expect(said()).toHaveLength(2);
    const { comments } = reviewsOf(github);
    for (const comment of comments.filter((each) => each.thread === thread))
      comments.splice(comments.indexOf(comment), 1);
    expect(await reply(issue, { id: 's', thread: thread.id })).toEqual({ skipped: expect.stringContaining('gone') });
    row.isArchived = true;
    await expect(reply(issue, { id: 't' })).rejects.toMatchObject({ name: 'VendorError', retryable: false });
    row.isArchived = false;
  });

  test('one that is too long is cut, and still found again', async () => {
    const { issue } = await world.open();
    const body = `\`\`\`\n${'🚢'.repeat(40_000)}`;
    await reply(issue, { id: 'long', body });
    await reply(issue, { id: 'long', body });
    expect(issue.comments).toHaveLength(1);
    expect(issue.comments[0]?.body).toMatch(/🚢\n```\n\n… \(shortened\)\n\n<!-- shipmate:long -->$/);
    expect(issue.comments[0]?.body.length).toBeLessThanOrEqual(65_536);
  });
});

test('a remark that was read gets eyes, once', async () => {
  const { github, row, ada } = world;
  const { issue } = await world.open();
  await threadIn(issue);
  const comment = ada.comment(issue.number, 'Hm');
  const { remarks } = await world.read(issue);
  const acknowledge = (remark: string) => world.write({ kind: 'acknowledgeRemark', number: issue.number, remark });
  for (const { key } of [...remarks, ...remarks]) expect(await acknowledge(key)).toEqual({});
  const line = Number(remarks.find(({ kind }) => kind === 'line')?.key.split(':')[1]);
  expect(reviewsOf(github).reactions.map((each) => [each.comment, each.user.login, each.content])).toEqual([
    [line, 'shipmate[bot]', 'eyes'],
    [comment.id, 'shipmate[bot]', 'eyes'],
  ]);
  for (const key of ['review:1', 'line:999999', 'comment:999999', '', 'x:1', 'comment:', 'constructor:1'])
    expect(await acknowledge(key), key).toEqual({ skipped: expect.any(String) });
  expect(row.issues.get(issue.number)?.comments).toHaveLength(1);
});

describe('the status', () => {
  const show = (issue: Issue, body: string) =>
    world.write({ kind: 'showStatus', id: body, number: issue.number, body });
  const ours = (issue: Issue) => issue.comments.filter(({ body }) => body.includes('<!-- shipmate:status -->'));

  test('is one comment, edited in place', async () => {
    const { ada, github } = world;
    const { issue } = await world.open();
    ada.comment(issue.number, marked('Not yours', 'status'));
    const first = await show(issue, 'Works');
    expect(await show(issue, 'Green')).toEqual(first);
    github.requests.length = 0;
    expect(await show(issue, 'Green')).toEqual(first);
    expect(github.requests.map(({ line }) => line.split(' ')[0])).toEqual(['GET']);
    expect(issue.comments.map(({ body }) => body)).toEqual([marked('Not yours', 'status'), marked('Green', 'status')]);
    expect((await world.read(issue)).remarks.map(({ author }) => author.name)).toEqual(['ada']);
  });

  test('of two that race one stays, and a lost answer makes no second', async () => {
    const { github, row } = world;
    const { issue } = await world.open();
    await Promise.all([show(issue, 'A'), show(issue, 'A'), show(issue, 'A')]);
    expect(ours(issue)).toHaveLength(1);
    addComment(github, row, issue, github.apps.app.bot, marked('Younger', 'status'));
    await show(issue, 'B');
    expect(ours(issue).map(({ body }) => body)).toEqual([marked('B', 'status')]);
    const { issue: other } = await world.open();
    github.faults.add({ operation: 'issues/create-comment', nth: 1, action: { type: 'loseReply' } });
    await expect(show(other, 'A')).rejects.toMatchObject({ code: 'unavailable' });
    await show(other, 'A');
    expect(ours(other)).toHaveLength(1);
  });
});

test('our branch goes only from where we left it', async () => {
  const { ada, row, github } = world;
  const remove = (branch: string, expected: string) =>
    world.write({ kind: 'deleteBranch', branch, expected, id: `delete:${branch}` });
  const { branch, head } = await world.open();
  const theirs = await ada.commit(branch, { 'b.txt': 'theirs' });
  expect(await remove(branch, head)).toEqual({ skipped: expect.stringContaining(theirs) });
  expect(await branchCommit(row.dir, branch)).toBe(theirs);
  expect(await remove(branch, theirs)).toEqual({});
  expect(await branchCommit(row.dir, branch)).toBeNull();
  expect(await remove(branch, theirs)).toEqual({});
  const main = await branchCommit(row.dir, 'main');
  for (const name of ['main', ''])
    await expect(remove(name, String(main)), name).rejects.toMatchObject({ code: 'invalid', retryable: false });
  world.repository.base = 'release/1';
  await ada.setBranch('release/1', main);
  await expect(remove('release/1', String(main))).rejects.toMatchObject({ code: 'invalid' });
  world.repository.base = null;
  const lost = await world.open();
  github.faults.add({ operation: 'git/delete-ref', nth: 1, action: { type: 'loseReply' } });
  await expect(remove(lost.branch, lost.head)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  expect(await remove(lost.branch, lost.head)).toEqual({});
});
