import { z } from 'zod';
import { createGitHubClient, type GitHubKeys } from '../../vendors/github/client.ts';
import { createRedelivery } from '../../vendors/github/redeliver.ts';
import { verifyGitHubDelivery } from '../../vendors/github/webhooks.ts';
import type { CodeHost } from '../code-host.ts';
import { checkGitHub } from './check.ts';
import { createRequestFollowing } from './following/following.ts';
import { readHints } from './following/hints.ts';
import { createRenamed } from './following/renamed.ts';
import { linkTo } from './link.ts';
import { createLogAccess } from './log-access.ts';
import { openPullRequest, readPullRequest } from './pull-requests.ts';
import { pushBranch } from './push.ts';
import { locate } from './repository.ts';

const settingsShape = z.object({
  apiUrl: z.string(),
  appId: z.string().nullable(),
  labels: z.array(z.string()).default([]),
  agent: z.string().default(''),
});

/** GitHub, as an App or by a user's token. A repository's `location` is "owner/name". */
export function createGitHub(options: {
  /** `apiUrl`, `appId`, `labels`, and `agent`: what people call it, beside its account's name. */
  settings: Record<string, unknown>;
  /** `privateKey` (PEM) or `token`. */
  secrets: Record<string, string | null>;
  webhookSecrets: readonly string[];
  fetch?: GitHubKeys['fetch'];
}): CodeHost {
  const { secrets, webhookSecrets } = options;
  const { apiUrl, appId, labels, agent } = settingsShape.parse(options.settings);
  const { privateKey = null, token = null } = secrets;
  const client = createGitHubClient({ apiUrl, appId, privateKey, token, fetch: options.fetch });
  const renamed = createRenamed();
  return {
    kind: 'github',
    locate: (repository, signal) => locate(client, repository, signal),
    pushBranch: (repository, push, signal) => pushBranch(client, repository, push, signal),
    openPullRequest: (repository, input, signal) => openPullRequest({ client, labels }, repository, input, signal),
    linkTo: (repository, place) => linkTo(client.webUrl, repository, place),
    readPullRequest: (repository, number, signal) => readPullRequest(client, repository, number, signal),

    following: {
      ...createRequestFollowing({ client, agent, noteName: renamed.note }),
      ...(client.isApp && { logAccess: createLogAccess(client, apiUrl) }),
    },

    webhooks: {
      verifyDelivery(headers, body) {
        const deliveryId = verifyGitHubDelivery(webhookSecrets, headers, body);
        const isBroad = (headers['x-github-event'] ?? '').startsWith('installation');
        return { deliveryId, ...(isBroad && { isBroad }) };
      },
      readHints: (delivery) => renamed.spread(readHints(delivery)),
      redeliver: client.isApp ? createRedelivery(client) : null,
    },

    check: () => checkGitHub(client),
  };
}
