import { listed } from './issue-routes.ts';
import { bad, missing } from './refusal.ts';
import { type Routes, route } from './rest.ts';
import { type Permission, type Project, permissions, type User } from './rows.ts';
import type { Site } from './site.ts';
import { describeUser } from './views.ts';

function matching(site: Site, query: unknown, accountId?: unknown): User[] {
  const text = String(query ?? '').toLowerCase();
  return site.users
    .filter((user) => user.active && (accountId === undefined || user.accountId === accountId))
    .filter(({ displayName, emailAddress }) =>
      [displayName, emailAddress].some((each) => each.toLowerCase().includes(text)),
    );
}

export const userRoutes: Routes = {
  'myself.getCurrentUser': route<'myself.getCurrentUser'>('user', ({ eye, user }) => {
    if (!eye.user) throw missing('Anonymous users have no account.');
    return {
      body: {
        ...describeUser(eye, user),
        locale: 'en_US',
        groups: { size: 1, items: [] },
        applicationRoles: { size: 1, items: [] },
      },
    };
  }),

  'users.getUser': route<'users.getUser'>('user', ({ site, eye, given }) => {
    const user = site.users.find(({ accountId }) => accountId === given.accountId);
    if (!user) throw missing('Specified user does not exist or you do not have required permissions');
    return { body: describeUser(eye, user) };
  }),

  'userSearch.findUsers': route<'userSearch.findUsers'>('user', ({ site, eye, given }) => {
    if (given.query === undefined && given.accountId === undefined)
      throw bad('Either the query or the accountId must be given.');
    return {
      body: matching(site, given.query, given.accountId)
        .slice(0, given.maxResults ?? 50)
        .map((user) => describeUser(eye, user)),
    };
  }),

  'userSearch.findAssignableUsers': route<'userSearch.findAssignableUsers'>(
    'user',
    ({ site, eye, user: asking, given }) => {
      const issue = given.issueKey ?? given.issueId;
      const project: Project | null =
        issue !== undefined ? site.see(String(issue), asking).project : site.project(String(given.project ?? ''));
      if (!project || !site.may(asking, 'BROWSE_PROJECTS', project)) throw missing('No project could be found.');
      const found = matching(site, given.query, given.accountId).filter((user) =>
        site.may(user, 'ASSIGNABLE_USER', project),
      );
      return { body: found.slice(0, given.maxResults ?? 50).map((user) => describeUser(eye, user)) };
    },
  ),

  'permissions.getMyPermissions': route<'permissions.getMyPermissions'>('user', ({ site, user, given }) => {
    const wanted = listed(given.permissions);
    if (wanted.length === 0) throw bad("The 'permissions' query parameter is required.");
    const unknown = wanted.filter((name) => !permissions.includes(name as Permission));
    if (unknown.length > 0) throw bad(`Unrecognized permission: ${unknown.join(', ')}`);
    const issue = given.issueKey ?? given.issueId;
    const key = given.projectKey ?? given.projectId;
    const project = issue !== undefined ? site.see(issue, user).project : key === undefined ? null : site.project(key);
    if (key !== undefined && (!project || !site.may(user, 'BROWSE_PROJECTS', project)))
      throw missing(`No project could be found with key '${key}'.`);
    // Without a place: what one has in any project.
    const has = (permission: Permission) =>
      project === null && permission !== 'ADMINISTER'
        ? site.projects.some((each) => site.may(user, permission, each))
        : site.may(user, permission, project);
    const told = wanted.map((key) => [
      key,
      {
        id: String(permissions.indexOf(key as Permission)),
        key,
        name: key,
        type: key === 'ADMINISTER' ? 'GLOBAL' : 'PROJECT',
        description: '',
        havePermission: has(key as Permission),
      },
    ]);
    return { body: { permissions: Object.fromEntries(told) } };
  }),

  'serverInfo.getServerInfo': route<'serverInfo.getServerInfo'>('nobody', ({ site, jira }) => ({
    body: {
      baseUrl: site.url,
      displayUrl: site.url,
      version: '1001.0.0-SNAPSHOT',
      versionNumbers: [1001, 0, 0],
      deploymentType: 'Cloud',
      buildNumber: 100_300,
      buildDate: '2026-10-01T00:00:00.000+0000',
      serverTime: new Date(jira.clock.now()).toISOString().replace('Z', '+0000'),
      scmInfo: 'stand-in',
      serverTitle: site.name,
      defaultLocale: { locale: 'en_US' },
    },
  })),
};
