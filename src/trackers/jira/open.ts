import type { TrackerParts } from '../definition.ts';
import type { Tracker } from '../tracker.ts';
import { openSites } from './connecting/open-sites.ts';
import type { JiraSettings } from './settings.ts';
import { createJiraTracker } from './tracker.ts';

/** Jira by the settings: on the sites that they lead to, and the project for what names no team. */
export async function openJira(settings: JiraSettings, parts: Pick<TrackerParts, 'connections'>): Promise<Tracker> {
  const { webhookSecrets, clientSecret, project } = settings;
  const sites = await openSites(settings, parts.connections);
  const secrets = { webhooks: webhookSecrets, apps: clientSecret === null ? [] : [clientSecret] };
  const tracker = createJiraTracker({ ...settings, sites, secrets });
  return {
    ...tracker,
    createTicket: (filing, signal) =>
      tracker.createTicket({ ...filing, draft: { ...filing.draft, team: filing.draft.team ?? project } }, signal),
  };
}
