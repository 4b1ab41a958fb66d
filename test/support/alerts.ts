import type { SentryProject } from '../../src/alerts/sentry/settings.ts';

/** "acme/web" as it is configured without a word more; `rule`: with these. */
export function sentryProject(name: string, repository: string, rule: Partial<SentryProject> = {}): SentryProject {
  const [organization = '', slug = ''] = name.split('/');
  const usual = { level: 'ticket' as const, minEvents: 2, perDay: 5, environments: [], team: null };
  return { project: name, organization, slug, repository, ...usual, ticketProject: null, labels: ['sentry'], ...rule };
}
