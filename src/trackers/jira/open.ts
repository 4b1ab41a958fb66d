import type { TrackerParts } from '../definition.ts';
import type { Tracker } from '../tracker.ts';
import { checkWebhooks, keepWebhooks } from './connecting/dynamic-webhooks.ts';
import { openSites } from './connecting/open-sites.ts';
import type { JiraSettings } from './settings.ts';
import { createJiraTracker } from './tracker.ts';

/** Jira by the settings: on the sites that they lead to, and the project for what names no team. */
export async function openJira(
  settings: JiraSettings,
  { connections }: Pick<TrackerParts, 'connections'>,
): Promise<Tracker> {
  const { webhookSecrets, clientSecret, project, install, webhookUrl: url } = settings;
  const sites = await openSites(settings, connections);
  const secrets = { webhooks: webhookSecrets, apps: clientSecret === null ? [] : [clientSecret] };
  const tracker = createJiraTracker({ ...settings, sites, secrets });
  return {
    ...tracker,
    createTicket: (filing, signal) =>
      tracker.createTicket({ ...filing, draft: { ...filing.draft, team: filing.draft.team ?? project } }, signal),
    ...(install && {
      keepUp: (signal) => keepWebhooks({ sites, url, connections }, signal),
      check: async () => [...(await tracker.check()), ...(await checkWebhooks({ sites, url, connections }))],
    }),
  };
}
