import { setTimeout as delay } from 'node:timers/promises';
import type { Octokit } from 'octokit';
import type { Check } from '../../../core/check.ts';
import { statusOf } from './asking.ts';
import type { AppFacts } from './check-app.ts';

export interface WebhookCheckOptions {
  asApp: Octokit;
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
  const { asApp, app, url, areSigned } = options;
  const advanced = app.settingsUrl;
  const missing = (message: string, remedy: string): Check => ({ name, status: 'missing', message, remedy });
  const config = await readConfig(asApp);
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

async function readConfig(asApp: Octokit) {
  try {
    return (await asApp.rest.apps.getWebhookConfigForApp()).data;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

async function checkDeliveries(options: WebhookCheckOptions): Promise<Check[]> {
  const { asApp, signal, waitMs } = options;
  const log = await readLog(asApp);
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
  await asApp.rest.apps.redeliverWebhookDelivery({ delivery_id: tried.id });
  const before = new Set(log.map(({ id }) => id));
  for (const until = performance.now() + waitMs; ; ) {
    const again = (await readLog(asApp)).find(
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

interface Delivery {
  status: string;
  status_code: number;
}

async function readLog(asApp: Octokit) {
  return (await asApp.rest.apps.listWebhookDeliveries({ per_page: recent })).data;
}

export function isFailure({ status, status_code: code }: Delivery): boolean {
  return status !== 'pending' && (code < 200 || code > 299);
}

function judge({ status, status_code: code }: Delivery, { url, app }: WebhookCheckOptions): Check {
  if (!isFailure({ status, status_code: code }))
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
