import type { AlertSource } from '../alert-source.ts';
import { checkProjects } from './check.ts';
import { readAlerts, verifyDelivery } from './deliveries.ts';
import { createErrorReader } from './read-error.ts';
import type { SentrySettings } from './settings.ts';

/** Sentry's errors: told by webhooks of an internal integration, read by its API. */
export function createSentrySource(settings: SentrySettings, now: () => number = Date.now): AlertSource {
  const { projects, webhookSecrets } = settings;
  return {
    kind: 'sentry',
    name: 'Sentry',
    rules: projects,
    verifyDelivery: (headers, body) => verifyDelivery(webhookSecrets, headers, body, now()),
    readAlerts: ({ headers, body }) => readAlerts(projects, headers, body),
    ...createErrorReader(settings),
    check: () => checkProjects(settings),
  };
}
