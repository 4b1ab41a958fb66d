import * as answers from '../../../mcp-servers/sentry/answers.ts';
import { createSentry } from '../../../mcp-servers/sentry/sentry.ts';
import type { Check } from '../../core/check.ts';
import type { SentrySettings } from './settings.ts';

const withinMs = 20_000;

/** Each project on a line of its own. Never throws. */
export function checkProjects({ baseUrl, token, projects, webhookSecrets }: SentrySettings): Promise<Check[]> {
  const sentry = createSentry({ baseUrl, token: async () => token, projects });
  const heard =
    webhookSecrets.length > 0
      ? 'errors are told by webhook'
      : 'no webhook is accepted: SENTRY_WEBHOOK_SECRET is not set';
  return Promise.all(
    projects.map(async ({ project, organization, slug }): Promise<Check> => {
      const name = `sentry ${project}`;
      const signal = AbortSignal.timeout(withinMs);
      try {
        const asked = { path: { organization, slug }, what: `project ${project}`, signal };
        await sentry.get('/projects/{organization}/{slug}/', answers.project, asked);
        return { name, status: 'ok', message: `can be read; ${heard}` };
      } catch (error) {
        const message = signal.aborted ? `${sentry.baseUrl.host} did not answer within 20 s` : (error as Error).message;
        const remedy = 'Look at SENTRY_AUTH_TOKEN, SENTRY_BASE_URL and sentry.projects in shipmate.yaml.';
        return { name, status: 'missing', message, remedy };
      }
    }),
  );
}
