import { afterEach, beforeEach, describe, test } from 'vitest';
import type { CodeHost } from '../../src/code-hosts/code-host.ts';
import { prepareRevert } from '../../src/flow/revert.ts';
import { createLog } from '../../src/lib/log.ts';
import { createFixture, type Fixture } from '../workspaces/fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture('none');
});
afterEach(() => fixture.remove());

const never = new AbortController().signal;
const session = '00000000-0000-4000-8000-000000000001';

describe('a merge that is to be taken back', () => {
  test.for(['rebase', 'squash', 'merge'])('by %s: all of it, and nothing else', async (how, { expect }) => {
    const app = await fixture.upstream();
    const add = async (name: string) => {
      await app.write(name, `${name}\n`);
      return app.commit(`Add ${name}`);
    };
    const main = 'main';
    await add('before');
    app.git('checkout', '-q', '-b', 'work');
    const commits = [await add('one'), await add('two')];
    app.git('checkout', '-q', main);
    await add('meanwhile');
    if (how === 'rebase') app.git('cherry-pick', ...commits);
    else if (how === 'squash') {
      app.git('merge', '-q', '--squash', 'work');
      app.commit('Add both (#7)');
    } else app.git('merge', '-q', '--no-ff', '-m', 'Merge #7', 'work');
    const mergeCommit = app.git('rev-parse', 'HEAD').trim();
    await add('after');
    const workspaces = fixture.open();
    const host = { locate: async () => app.location } as unknown as CodeHost;
    const deps = {
      workspaces,
      codeHosts: new Map([[app.repository.codeHost, host]]),
      log: createLog({ level: 'silent', format: 'json', secrets: [] }),
    };
    const progress = { request: { base: main } as never, head: commits[1] as string, mergeCommit };
    const revert = await prepareRevert(deps, session, app.repository, progress, never);
    if (!revert) throw new Error('there is none');
    const onto = {
      commit: revert.reverts,
      onto: revert.parent,
      ...(revert.since !== undefined && { since: revert.since }),
    };
    const { store, tree } = await workspaces.withoutCommit(session, app.repository, onto, never);
    const changes = await workspaces.changes(store, revert.parent, tree);
    expect(changes.map(({ path }) => path)).toEqual(['one', 'two']);
  });
});
