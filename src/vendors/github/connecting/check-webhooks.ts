import { setTimeout as delay } from 'node:timers/promises';
import type { Check } from '../../../core/check.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { GitHubClient } from '../client.ts';
import { type Attempt, isFailure } from '../redeliver.ts';
import type { AppFacts } from './check-app.ts';

export interface WebhookCheckOptions {
  client: GitHubClient;
  app: AppFacts;
  /** Where webhooks should go; null: it is not known here. */
  url: string | null;
  areSigned: boolean;
  waitMs: number;
  onWait?(): void;
  signal: AbortSignal;
}

const name = 'webhooks';
const recent = 100;

/** Whether they go where they should, came of late, and one that is sent now arrives and is taken. */
export async function checkWebhooks(options: WebhookCheckOptions): Promise<Check[]> {
  const { client, app, url, areSigned, signal } = options;
  const advanced = app.settingsUrl;
  const missing = (message: string, remedy: string): Check => ({ name, status: 'missing', message, remedy });
  const config = await readConfig(client, signal);
  if (config === null)
    return [
      missing(
        'the App has no webhook, or it is switched off',
        `Switch it on at ${advanced}${url === null ? '' : `, with the URL ${url}`}.`,
      ),
    ];
  const wrong = [
    ...(url !== null && config.url !== url
      ? [
          missing(
            `they go to ${config.url ?? 'nowhere'}, not to ${url}`,
            `Correct the webhook URL at ${advanced}, or http.publicUrl.`,
          ),
        ]
      : []),
    ...(config.content_type === 'form'
      ? [missing('they are sent as a form', `Choose the content type application/json at ${advanced}.`)]
      : []),
    ...(areSigned
      ? []
      : [
          missing(
            'GITHUB_WEBHOOK_SECRET is not set, so none is accepted',
            `Set it to the secret at ${advanced}, and start the service again.`,
          ),
        ]),
    ...(config.secret
      ? []
      : [missing('GitHub does not sign them', `Set a secret at ${advanced}, and GITHUB_WEBHOOK_SECRET to the same.`)]),
  ];
  const insecure: Check[] =
    String(config.insecure_ssl ?? '0') === '0'
      ? []
      : [
          {
            name,
            status: 'warning',
            message: 'GitHub does not look at the certificate of the address',
            remedy: `Enable SSL verification at ${advanced}.`,
          },
        ];
  if (wrong.length > 0) return [...wrong, ...insecure];
  return [...insecure, ...(await checkDeliveries(options))];
}

interface HookConfig {
  url?: string;
  content_type?: string;
  /** Stars, where there is one. */
  secret?: string;
  insecure_ssl?: string | number;
}

/** null: there is none, or it is switched off. */
async function readConfig(client: GitHubClient, signal: AbortSignal): Promise<HookConfig | null> {
  try {
    return (await client.ask<HookConfig>('GET /app/hook/config', {}, signal)).data;
  } catch (error) {
    if (error instanceof VendorError && error.code === 'not_found') return null;
    throw error;
  }
}

async function checkDeliveries(options: WebhookCheckOptions): Promise<Check[]> {
  const { client, signal, waitMs } = options;
  const log = await readLog(client, signal);
  if (log.length === 0)
    return [
      {
        name,
        status: 'warning',
        message: 'GitHub has sent none yet, so none could be tried',
        remedy: 'Comment on an issue or a pull request of a repository that the App is installed on, and look again.',
      },
    ];
  const failed = log.filter(isFailure).length;
  const tried = log.find(({ event }) => event === 'ping') ?? log[0];
  if (!tried) throw new Error('unreachable: the log has an entry');
  options.onWait?.();
  const route = 'POST /app/hook/deliveries/{delivery_id}/attempts';
  await client.ask(route, { delivery_id: tried.id }, signal);
  const before = new Set(log.map(({ id }) => id));
  for (const until = performance.now() + waitMs; ; ) {
    const again = (await readLog(client, signal)).find(
      ({ id, guid, status }) => guid === tried.guid && !before.has(id) && status !== 'pending',
    );
    if (again) return [judge(again, options), ...tellFailed(failed, log.length)];
    if (performance.now() >= until) break;
    await delay(Math.min(1_000, waitMs), undefined, { signal });
  }
  return [
    {
      name,
      status: 'warning',
      message: `one was asked for, and GitHub has not sent it within ${Math.round(waitMs / 1000)} s`,
      remedy: `Its log is at ${options.app.settingsUrl}/advanced. Look again in a minute.`,
    },
  ];
}

async function readLog(client: GitHubClient, signal: AbortSignal): Promise<Attempt[]> {
  return (await client.ask<Attempt[]>('GET /app/hook/deliveries', { per_page: recent }, signal)).data;
}

function judge(attempt: Attempt, { url, app }: WebhookCheckOptions): Check {
  const { status, status_code: code } = attempt;
  if (!isFailure(attempt))
    return { name, status: 'ok', message: 'one that was sent just now arrived, and its signature is right' };
  const where = url ?? 'the webhook URL of the App';
  const [message, remedy] =
    code === 401
      ? [
          'one arrived, but its signature does not match',
          `GITHUB_WEBHOOK_SECRET is not the secret at ${app.settingsUrl}. Set both to the same, and start the service again.`,
        ]
      : code === 404
        ? [
            'something answered, but it knows no webhooks of GitHub (404)',
            `See that ${where} leads to the service, and that the service runs with GitHub's keys.`,
          ]
        : code === 0 || code >= 500
          ? [
              `none arrives: ${status}`,
              `Start the service, and the reverse proxy or tunnel before it; ${where} has to lead there.`,
            ]
          : [`they are refused: ${status}`, `See what answers at ${where}.`];
  return { name, status: 'missing', message, remedy };
}

function tellFailed(failed: number, of: number): Check[] {
  if (failed === 0) return [];
  return [
    {
      name: 'deliveries',
      status: 'warning',
      message: `of the last ${of}, ${failed} failed`,
      remedy: 'The service asks for these again while it runs.',
    },
  ];
}
