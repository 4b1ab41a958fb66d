import { defineAlertSource } from '../alert-source.ts';
import { readSentry, sentrySection, sentryVariables } from './settings.ts';

/** Sentry, at sentry.io or of one's own. */
export const sentry = defineAlertSource({
  kind: 'sentry',
  section: sentrySection,
  environment: sentryVariables,
  read: readSentry,
  toolServer({ baseUrl, token, projects }, { name }) {
    const own = projects.filter(({ repository }) => repository === name);
    if (own.length === 0) return null;
    return {
      name: 'sentry',
      args: ['--projects', own.map(({ organization, slug }) => `${organization}/${slug}`).join(',')],
      env: { SENTRY_BASE_URL: baseUrl },
      token: async () => token,
      readOnly: [
        ...['search-issues', 'get-issue', 'get-event'],
        ...['list-similar-events', 'get-release-commits', 'get-suspect-commits'],
      ],
    };
  },
  open: async (settings) => (await import('./source.ts')).createSentrySource(settings),
});
