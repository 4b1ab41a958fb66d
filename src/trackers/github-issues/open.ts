import { createGitHubClient } from '../../vendors/github/client.ts';
import { verifyGitHubDelivery } from '../../vendors/github/webhooks.ts';
import type { Tracker } from '../tracker.ts';
import type { IssuesSettings } from './definition.ts';
import { createGitHubIssuesTracker } from './tracker.ts';

/** GitHub Issues by the settings: as an App, or with a token. */
export function openGitHubIssues({ label, repositories, github }: IssuesSettings): Tracker {
  const { agent, apiUrl, appId, privateKey, token, webhookSecrets } = github;
  const client = createGitHubClient({ apiUrl, appId, privateKey, token });
  return createGitHubIssuesTracker({
    agent,
    label,
    repositories: () => repositories,
    access: {
      webUrl: client.webUrl,
      ask: client.ask,
      token: (repository, signal) => client.tokenFor(repository, { issues: 'read' }, signal),
      isApp: client.isApp,
      async identity(signal) {
        const { login, names } = await client.self(signal);
        // An App may also be known by its client id, which is no number and stands nowhere else.
        return { login, names, appId: client.isApp && /^\d+$/.test(appId ?? '') ? Number(appId) : null };
      },
      verifyDelivery: (headers, body) => ({ deliveryId: verifyGitHubDelivery(webhookSecrets, headers, body) }),
    },
  });
}
