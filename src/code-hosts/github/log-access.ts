import type { GitHubClient } from '../../vendors/github/client.ts';
import type { LogAccess } from '../code-host.ts';
import { findPlace } from './repository.ts';

/** By an App only: a user's token may do whatever the user may, and goes to no other program. */
export function createLogAccess(client: GitHubClient, apiUrl: string): LogAccess {
  const permissions = { actions: 'read', checks: 'read', contents: 'read', statuses: 'read' } as const;
  return {
    apiUrl,
    async token(repository, signal) {
      // Tokens are made by the name that holds now.
      const { full_name } = await findPlace(client, repository, signal);
      return client.tokenFor(full_name, permissions, signal);
    },
  };
}
