import type { SentryProject } from '../../src/alerts/sentry/settings.ts';
import { type Sentry, startSentry } from '../stand-ins/sentry/server.ts';
import { sentryProject } from './alerts.ts';
import { startTestService, type TestService, type TestServiceOptions } from './service.ts';

export interface SentryService extends TestService {
  sentry: Sentry;
  /** As `alerts` has them, oldest first. */
  alerts(): Promise<{ state: string; reason: string | null; ticket: string | null; error: string; told: number }[]>;
  /** Everything that is filed, oldest first. */
  tickets(): Promise<{ identifier: string; title: string; description: string; said: string[]; state: string }[]>;
  /** Has every alert looked at now that waits for a time. */
  hurry(): Promise<void>;
}

export interface SentryServiceOptions extends TestServiceOptions {
  /** Of Sentry, by name, with what is done with its errors. */
  projects?: Record<string, Partial<SentryProject>>;
}

/** The service beside a stand-in Sentry that tells it of errors; tickets are the board's. */
export async function startSentryService({
  projects = { 'acme/web': {} },
  ...options
}: SentryServiceOptions = {}): Promise<SentryService> {
  const sentry = await startSentry();
  try {
    const settings = {
      ...{ baseUrl: sentry.url, token: sentry.token, webhookSecrets: [sentry.integration.clientSecret] },
      projects: Object.entries(projects).map(([name, rule]) => sentryProject(name, 'upstream', rule)),
    };
    const service = await startTestService({
      parts: ['listen'],
      ...options,
      change: (config) => {
        const changed = { ...config, alerts: { ...config.alerts, sentry: settings } };
        return options.change?.(changed) ?? changed;
      },
    });
    if (service.url) sentry.integration.url = new URL('/webhooks/sentry', service.url).href;
    const query = (text: string) => service.database.pool.query(text);
    return {
      ...service,
      sentry,
      async alerts() {
        const { rows } = await query(
          "select state, reason, hint ->> 'identifier' as ticket, error, told from alerts order by created_at, id",
        );
        return rows;
      },
      async tickets() {
        const all = [];
        for (const { identifier } of await service.app.desk.list()) {
          const { ticket, activities } = await service.app.desk.show(identifier);
          const said = activities.map(({ activity }) => ('body' in activity ? activity.body : ''));
          const { title, description, state } = ticket;
          all.push({ identifier, title, description, said, state: state.category });
        }
        const numberOf = ({ identifier }: { identifier: string }) => Number(/\d+$/.exec(identifier)?.[0]);
        return all.sort((a, b) => numberOf(a) - numberOf(b));
      },
      async hurry() {
        await query(
          "update alerts set look_at = now(), hints = hints + 1 where look_at is not null or state = 'filed'",
        );
      },
      async stop() {
        await sentry.outbox.settled();
        await service.stop();
        await sentry.close();
      },
    };
  } catch (error) {
    await sentry.close();
    throw error;
  }
}
