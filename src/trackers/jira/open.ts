import type { TrackerParts } from '../definition.ts';
import type { Tracker } from '../tracker.ts';
import { createTokenSites } from './connecting/token-sites.ts';
import type { JiraSettings } from './settings.ts';
import { createJiraTracker } from './tracker.ts';

/** Jira by the settings: on the sites that they lead to, and the project for what names no team. */
export function openJira(settings: JiraSettings, _parts: Pick<TrackerParts, 'connections'>): Tracker {
  const { email, apiToken, sites: urls, apiUrl, webhookSecrets, project } = settings;
  if (email === null || apiToken === null) throw new Error('unreachable: configured without a way in');
  const sites = createTokenSites({ urls, auth: { type: 'basic', email, apiToken }, apiUrl });
  const tracker = createJiraTracker({ ...settings, sites, secrets: { webhooks: webhookSecrets, apps: [] } });
  return {
    ...tracker,
    createTicket: (filing, signal) =>
      tracker.createTicket({ ...filing, draft: { ...filing.draft, team: filing.draft.team ?? project } }, signal),
  };
}
