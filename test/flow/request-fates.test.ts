import { beforeEach, describe, test } from 'vitest';
import type { CodeHost } from '../../src/code-hosts/code-host.ts';
import type { PullRequest } from '../../src/core/pull-request.ts';
import { tellFates } from '../../src/flow.ts';
import { listAwaitedRequests } from '../../src/store/request-fates.ts';
import { someone } from '../support/service.ts';
import { db, deps, desk, endRuns, file, never, query, sort, useBoard } from './reconciling.ts';

useBoard();

let state: PullRequest['state'];
let draft: boolean;
const host = {
  readPullRequest: async (_repository: unknown, number: number) => ({
    ...{ repository: 'app', number, url: `https://example.org/pull/${number}`, title: `Number ${number}` },
    ...{ body: '', base: 'main', head: `work-${number}`, state, draft },
  }),
} as unknown as CodeHost;
const repository = { name: 'app', codeHost: 'somewhere', location: '/nowhere', base: null };
const follow = (now: PullRequest['state']) => {
  state = now;
  const at = { codeHosts: new Map([['somewhere', host]]), repositories: new Map([['app', repository]]) };
  return tellFates({ ...deps, ...at } as never, never);
};

beforeEach(() => {
  draft = false;
});

/** As if each had opened a pull request of its number and come to rest. */
async function published(count: number): Promise<string[]> {
  const names = await file(count);
  await sort();
  await endRuns('complete');
  await query(`update sessions s set repository = 'app',
    pull_request = json_build_object('number', substring(t.identifier from '[0-9]+')::int, 'url', 'https://example.org')
    from tickets t where t.id = s.ticket_id`);
  await query('delete from effects');
  return names;
}

const told = async () => {
  const { rows } = await query(`select operation ->> 'kind' as kind, operation ->> 'to' as to,
    operation ->> 'state' as state from effects order by key`);
  return rows
    .map(({ kind, to, state }) => (kind === 'moveTicket' ? `move to ${to}` : `attached, ${state ?? 'open'}`))
    .toSorted();
};

describe('what became of a pull request', () => {
  test('is on the attachment, and its ticket goes with it, once for each change', async ({ expect }) => {
    await published(1);
    for (const now of ['open', 'closed', 'closed', 'open', 'merged', 'merged'] as const) await follow(now);
    expect(await told()).toEqual([
      ...['attached, closed', 'attached, merged', 'attached, open'],
      ...['move to done', 'move to review', 'move to started'],
    ]);
  });

  test('is on the attachment, too, where people were quicker to close the ticket', async ({ expect }) => {
    const [name = ''] = await published(1);
    await desk.move(name, 'Done', someone);
    await sort();
    await query('delete from effects');
    await follow('merged');
    await follow('merged');
    expect(await told()).toEqual(['attached, merged']);
    expect(await listAwaitedRequests(db, 9)).toEqual([]);
  });

  test('is on the attachment while people are asked something; the ticket follows when that has been answered', async ({
    expect,
  }) => {
    await published(1);
    await query("update sessions set state = 'awaitingInput'");
    await follow('merged');
    expect(await told()).toEqual(['attached, merged']);
    await query("update sessions set state = 'complete'");
    await follow('merged');
    expect(await told()).toEqual(['attached, merged', 'move to done']);
  });

  test('of a draft that is opened again, is not its review', async ({ expect }) => {
    await published(1);
    await follow('closed');
    draft = true;
    await follow('open');
    await follow('open');
    expect(await told()).toEqual(['attached, closed', 'attached, open', 'move to started']);
  });

  test('that an earlier version has told is not told again', async ({ expect }) => {
    await published(1);
    await query(`update sessions set request_fate = json_build_object('number',
      (pull_request ->> 'number')::int, 'state', 'closed', 'changes', 1)`);
    await follow('closed');
    expect(await told()).toEqual([]);
    await follow('merged');
    expect(await told()).toEqual(['attached, merged', 'move to done']);
  });

  test('is asked of each, however many wait', async ({ expect }) => {
    await published(3);
    const seen = new Set<number>();
    for (let asked = 0; asked < 200 && seen.size < 3; asked++)
      for (const { number } of await listAwaitedRequests(db, 1)) seen.add(number);
    expect(seen.size).toBe(3);
  });
});
