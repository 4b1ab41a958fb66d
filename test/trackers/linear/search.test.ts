import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { LinearTokens } from '../../../src/trackers/linear/connecting/tokens.ts';
import { createLinearTracker } from '../../../src/trackers/linear/tracker.ts';
import { somebody } from '../../stand-ins/linear/people.ts';
import { startLinear } from '../../stand-ins/linear/server.ts';
import { addTeam, addUser } from '../../stand-ins/linear/workspace.ts';

const never = new AbortController().signal;

/** Two workspaces with a ticket each, and the agent in both. */
async function openTwo() {
  const linear = await startLinear({ searchesPerMinute: 3 });
  onTestFinished(() => linear.close());
  const both = [linear.workspace, linear.addWorkspace({ name: 'Beta', urlKey: 'beta' })] as const;
  const [ada, bob] = both.map((workspace, index) => {
    const { id: teamId } = addTeam(workspace, { key: `T${index}`, name: `Team ${index}` });
    const person = somebody(workspace, addUser(workspace, 'Ada'), linear.baseUrl);
    const file = (title: string) => person.create({ teamId, title });
    file('Dates are wrong');
    return { ...person, file };
  });
  if (!ada || !bob) throw new Error('unreachable');
  const token = new Map(both.map(({ organizationId: id }) => [id, linear.oauth.issue(id).value]));
  const tokens: LinearTokens = {
    workspaces: async () =>
      both.map(({ organizationId: id, appUser }) => ({ id, name: id, urlKey: id, appUserId: appUser.id })),
    token: async (workspace) => token.get(workspace) ?? '',
  };
  const tracker = createLinearTracker({ apiUrl: linear.url, agent: 'x', webhookSecrets: ['x'], tokens });
  const search = async (words: string) =>
    (await tracker.searchTickets(words, 10, never)).map(({ hint: { identifier } }) => identifier);
  return { linear, ada, token, tracker, search, both };
}

test('all workspaces are asked, and one that is closed is left out where others answer', async () => {
  const { ada, token, tracker, search, both } = await openTwo();
  const archivedAt = new Date().toISOString();
  ada.change(ada.file('Dates again, and thrown away').id, { trashed: true, archivedAt });
  ada.change(ada.file('Dates of long ago').id, { archivedAt });
  expect(await search('dates: "wrong')).toEqual(['T0-1', 'T1-1', 'T0-3']);
  token.set(both[1].organizationId, 'revoked');
  expect(await search('wrong')).toEqual(['T0-1']);
  expect(await tracker.listTeams(never)).toEqual([{ name: 'Team 0', key: 'T0' }]);
  token.set(both[0].organizationId, 'revoked');
  await expect(search('wrong')).rejects.toMatchObject({ code: 'disconnected' });
});

test('where there were too many searches, it says for how long', async () => {
  const { search, tracker, linear } = await openTwo();
  for (let asked = 0; asked < 3; asked++) await search('wrong');
  const refused = await search('wrong').catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'rate_limited', retryable: true });
  expect((refused as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(60_000);
  expect(await tracker.listTeams(never)).toHaveLength(2);
  linear.clock.advance(61_000);
  expect(await search('wrong')).toHaveLength(2);
});

test('a fold is filed as Linear folds, and read as others do', async () => {
  const { tracker, both } = await openTwo();
  const description = 'Wrong.\n\n<details><summary>Environment</summary>\n\nNode.js 24\n\n</details>';
  const draft = { title: 'Folded', description, priority: 'none', labels: [], fields: {}, team: 'T0' } as const;
  const hint = await tracker.createTicket({ id: randomUUID(), draft: { ...draft, labels: [], project: null } }, never);
  expect(both[0].get('Issue', hint.id).description).toBe('Wrong.\n\n+++ Environment\n\nNode.js 24\n\n+++');
  expect((await tracker.readTicket(hint, never)).description).toBe(description);
  expect((await tracker.searchTickets('folded', 1, never))[0]?.text).toBe(description);
});
