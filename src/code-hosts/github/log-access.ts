import type { GitHubClient } from '../../vendors/github/client.ts';
import type { LogAccess } from '../code-host.ts';

/** By an App only: a user's token may do whatever the user may, and goes to no other program. */
export function createLogAccess(client: GitHubClient, apiUrl: string): LogAccess {
  const permissions = { actions: 'read', checks: 'read', contents: 'read', statuses: 'read' } as const;
  return { apiUrl, token: ({ location }, signal) => client.tokenFor(location, permissions, signal) };
}
