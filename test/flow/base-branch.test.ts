import { test } from 'vitest';
import type { CodeHost } from '../../src/code-hosts/code-host.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { baseNow } from '../../src/flow/base-branch.ts';
import type { Workspaces } from '../../src/workspaces/workspaces.ts';
import { agent, db, file, never, query, sort, useBoard } from './reconciling.ts';

useBoard();

/** Pull requests by their numbers: from which branch to which, and how they stand. */
type Requests = Record<number, { head: string; base: string; state: 'open' | 'merged' | 'closed' }>;

const open = { head: 'one', base: 'main', state: 'open' } as const;
const merged = { ...open, state: 'merged' } as const;
const closed = { ...open, state: 'closed' } as const;
const two = { head: 'two', base: 'one', state: 'merged' } as const;

test.for<[string, string, Requests, string[], string]>([
  ['a branch that is nobody of ours', 'release', { 1: merged }, [], 'release'],
  ['one in review', 'one', { 1: open }, ['one'], 'one'],
  ['one that was merged, be it there or not', 'one', { 1: merged }, ['one'], 'main'],
  ['one merged into one in review', 'two', { 1: open, 2: two }, ['one'], 'one'],
  ['one merged into one that was merged', 'two', { 1: merged, 2: two }, [], 'main'],
  ['one that was closed and is kept', 'one', { 1: closed }, ['one'], 'one'],
  ['one that was closed and is gone', 'one', { 1: closed }, [], 'main'],
  ['one whose session has gone on from it', 'one', { 1: { ...merged, head: 'one-2' } }, [], 'main'],
  ['one whose pull request is not to be found', 'one', { 7: merged }, [], 'one'],
  ['two merged into each other', 'two', { 1: { ...merged, base: 'two' }, 2: two }, [], 'two'],
])('what is to be built upon instead of %s', async ([, branch, requests, there, expected], { expect }) => {
  const names = await file(2);
  await sort();
  for (const [index, [number, { head }]] of Object.entries(requests).entries()) {
    const request = JSON.stringify({ number: Number(number), url: 'u', merged: true });
    const column = head.endsWith('-2') ? 'follows' : 'pull_request';
    await query(
      `update sessions set repository = 'web', branch = $1, ${column} = $2
       where ticket_id = (select id from tickets where identifier = $3)`,
      [head, request, names[index]],
    );
  }
  const repository = { name: 'web', codeHost: 'local-git', location: '/web.git', base: null };
  const host = {
    locate: async () => ({ url: '/web.git', env: {}, defaultBranch: 'main' }),
    async readPullRequest(_: unknown, number: number) {
      const found = requests[number];
      if (!found || number === 7) throw new VendorError('not found', { code: 'not_found', retryable: false });
      return { ...found, number };
    },
  } as unknown as CodeHost;
  const workspaces = {
    refresh: async () => {},
    resolve: async (_: unknown, name: string) => (there.includes(name) ? { commit: 'c', tree: 't' } : null),
  } as unknown as Workspaces;
  expect(await baseNow({ db, workspaces }, { repository, host }, branch, never)).toBe(expected);
});

test('a host that does not answer is not asked for an opinion', async ({ expect }) => {
  await file(1);
  await sort();
  await query(`update sessions set repository = 'web', branch = 'one', pull_request = '{"number":1,"url":"u"}'`);
  const away = new VendorError(`${agent} may not`, { code: 'unauthorized', retryable: false });
  const host = { readPullRequest: () => Promise.reject(away) } as unknown as CodeHost;
  const repository = { name: 'web', codeHost: 'local-git', location: '/web.git', base: null };
  const asked = baseNow({ db, workspaces: {} as Workspaces }, { repository, host }, 'one', never);
  await expect(asked).rejects.toBe(away);
});
