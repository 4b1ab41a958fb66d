import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CodeHost } from '../../../src/code-hosts/code-host.ts';
import type { Repository } from '../../../src/core/repository.ts';
import { limitCodeHost } from '../../../src/flow.ts';
import { createLog } from '../../../src/lib/log.ts';
import { closedAccounts, openAccount } from '../../../src/store/accounts.ts';
import { createGitHubClient } from '../../../src/vendors/github/client.ts';
import type { Installation } from '../../stand-ins/github/apps.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const never = new AbortController().signal;
const at = (owner: string): Repository => ({
  ...{ name: owner, codeHost: 'github', location: `${owner}/web`, account: owner, base: null },
});

describe('an owner who does not let the App in', () => {
  let github: GitHub;
  let database: TestDatabase;
  let host: CodeHost;
  const installed = new Map<string, Installation>();

  beforeAll(async () => {
    [github, database] = await Promise.all([startGitHub(), createTestDatabase()]);
    for (const owner of ['acme', 'other']) {
      const repository = await github.addRepository(`${owner}/web`);
      installed.set(owner, github.apps.install(repository.owner));
    }
    const { id, privateKey } = github.apps.app;
    const client = createGitHubClient({ apiUrl: github.apiUrl, appId: String(id), privateKey, token: null });
    const log = createLog({ level: 'silent', format: 'json', secrets: [] });
    const locate: CodeHost['locate'] = async ({ location }, signal) => {
      const { default_branch: defaultBranch } = await client
        .on(location)
        .get<{ default_branch: string }>('GET /repos/{owner}/{repo}', {}, signal);
      return { url: location, env: {}, defaultBranch };
    };
    host = limitCodeHost({ db: database.db, log }, { kind: 'github', following: null, locate } as unknown as CodeHost);
  });
  afterAll(async () => {
    await github?.close();
    await database?.drop();
  });

  test.each([
    [
      'suspends it',
      (acme: Installation) => (acme.suspendedAt = '2026-01-01T00:00:00Z'),
      /unsuspend it at http.*settings\/installations\/\d+\./,
    ],
    [
      'removes it',
      (acme: Installation) => (acme.isDeleted = true),
      /not installed by acme\. Install it at http.*\/apps\/shipmate\/installations\/new\./,
    ],
  ])('and %s, waits, with the way back; others go on', async (_, change, way) => {
    const acme = installed.get('acme') as Installation;
    expect(await host.locate(at('acme'), never)).toMatchObject({ defaultBranch: 'main' });
    change(acme);
    const refused = await host.locate(at('acme'), never).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'disconnected',
      retryable: true,
      account: 'acme',
      message: expect.stringMatching(way),
    });
    expect(await closedAccounts(database.pool)).toEqual({ 'code-host/github/acme': 'disconnected' });
    github.requests.splice(0);
    await expect(host.locate(at('acme'), never)).rejects.toMatchObject({ code: 'disconnected' });
    expect(github.requests, 'it is not asked meanwhile').toEqual([]);
    expect(await host.locate(at('other'), never)).toMatchObject({ defaultBranch: 'main' });

    Object.assign(acme, { suspendedAt: null, isDeleted: false });
    await openAccount(database.db, 'code-host/github');
    expect(await host.locate(at('acme'), never)).toMatchObject({ defaultBranch: 'main' });
    github.expectClean();
  });

  test('on one repository only is told that, and does not wait', async () => {
    await github.addRepository('acme/hidden', { isPrivate: true } as never);
    const acme = installed.get('acme') as Installation;
    acme.selected = new Set([github.repository('acme/web')]);
    const hidden = { ...at('acme'), location: 'acme/hidden' };
    await expect(host.locate(hidden, never)).rejects.toMatchObject({ code: 'not_found', retryable: false });
    acme.selected = null;
  });
});
