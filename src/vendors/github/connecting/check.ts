import type { Check } from '../../../core/check.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { createGitHubClient, type GitHubClient, type GitHubKeys } from '../client.ts';
import { statusOf } from '../errors.ts';
import { checkClock, checkInstallations, checkKey, checkRights, listInstallations, unreachable } from './check-app.ts';
import { checkRepository, type NamedRepository } from './check-repositories.ts';
import { checkWebhooks } from './check-webhooks.ts';

export interface CheckOptions {
  keys: GitHubKeys;
  /** Those on this GitHub, and those whose issues are tickets. */
  repositories: readonly NamedRepository[];
  /** Where webhooks should go; null: not known, or none are wanted. */
  webhookUrl: string | null;
  areSigned: boolean;
  /** How often GitHub is asked in place of them; null: it is not. */
  pollSeconds: number | null;
  waitMs: number;
  signal: AbortSignal;
  /** Hears of each step when it is over. */
  onCheck?(check: Check): void;
  /** Hears that a webhook is waited for. */
  onWait?(): void;
}

/** All that can be found out from here, step by step; without a key that works, nothing else is. */
export async function checkGitHub(options: CheckOptions): Promise<Check[]> {
  const client = createGitHubClient(options.keys);
  const checks: Check[] = [];
  const say: Say = (found) => {
    for (const check of found) {
      checks.push(check);
      options.onCheck?.(check);
    }
  };
  try {
    await (client.isApp ? checkApp(client, options, say) : checkUser(client, options, say));
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof VendorError)) throw error;
    say([{ name: 'GitHub', status: 'missing', message: error.message, remedy: 'Try again later.' }]);
  }
  return checks;
}

type Say = (found: readonly Check[]) => void;

async function checkApp(client: GitHubClient, options: CheckOptions, say: Say): Promise<void> {
  const { pollSeconds, webhookUrl, signal } = options;
  const { app, checks } = await checkKey(client, signal);
  say(checks);
  if (app === null) return;
  say(checkRights(app, pollSeconds === null));
  say(checkInstallations(await listInstallations(client, signal), app.url));
  await checkRepositories(client, options, say);
  if (pollSeconds === null) say(await checkWebhooks({ ...options, client, app, url: webhookUrl }));
  else say([polled(pollSeconds)]);
}

async function checkUser(client: GitHubClient, options: CheckOptions, say: Say): Promise<void> {
  const { pollSeconds, webhookUrl, areSigned, signal } = options;
  const found = await checkToken(client, signal);
  say(found);
  if (found.some(({ status }) => status === 'missing')) return;
  await checkRepositories(client, options, say);
  if (pollSeconds !== null) say([polled(pollSeconds)]);
  else if (areSigned)
    say([
      {
        name: 'webhooks',
        status: 'warning',
        message: 'with a token they cannot be looked at from here',
        remedy: `Each repository needs one (Settings, Webhooks)${webhookUrl === null ? '' : ` to ${webhookUrl}`}; its page shows recent deliveries.`,
      },
    ]);
}

async function checkToken(client: GitHubClient, signal: AbortSignal): Promise<Check[]> {
  const name = 'token';
  try {
    const { data, headers } = await client.ask<{ login: string }>('GET /user', {}, signal);
    const ends = Date.parse(String(headers['github-authentication-token-expiration'] ?? ''));
    const days = Math.floor((ends - Date.now()) / 86_400_000);
    const of = `it is of ${data.login}`;
    return [
      days <= 14
        ? {
            ...{ name, status: 'warning', message: `${of}, and ends in ${days} days` },
            remedy: `Make another in time: ${client.webUrl}/settings/tokens`,
          }
        : { name, status: 'ok', message: `${of}: the agent acts as that user` },
      ...checkClock(headers.date),
    ];
  } catch (error) {
    signal.throwIfAborted();
    const { message, cause } = error as Error;
    return [{ name, status: 'missing', message, ...(statusOf(cause) === 0 && { remedy: unreachable }) }];
  }
}

async function checkRepositories(
  client: GitHubClient,
  { repositories, signal }: Pick<CheckOptions, 'repositories' | 'signal'>,
  say: Say,
): Promise<void> {
  const told = new Set<string>();
  for (const repository of repositories) {
    const { found, limits } = await checkRepository(client, repository, signal);
    say([found]);
    const owner = client.isApp ? ` of ${repository.location.split('/')[0]}` : '';
    if (limits === null || !(limits.of > 0) || told.has(owner)) continue;
    told.add(owner);
    const message = `${limits.left} of ${limits.of} requests are left in this hour`;
    const remedy = 'What does not fit waits for the next hour.';
    say([{ name: `limits${owner}`, status: limits.left < limits.of / 10 ? 'warning' : 'ok', message, remedy }]);
  }
  if (repositories.length === 0)
    say([
      {
        name: 'repositories',
        status: 'warning',
        message: 'shipmate.yaml names none on GitHub',
        remedy: 'Name one: repositories: { web: { url: https://github.com/OWNER/NAME } }',
      },
    ]);
}

function polled(seconds: number): Check {
  return { name: 'webhooks', status: 'ok', message: `not used: GitHub is asked every ${seconds} s` };
}

/** In short: who we are there, and whether people have let us in where we are to work. */
export async function lookAtGitHub(
  client: GitHubClient,
  repositories: readonly NamedRepository[],
  signal: AbortSignal,
): Promise<Check[]> {
  if (!client.isApp) return checkToken(client, signal);
  const { app, checks } = await checkKey(client, signal);
  if (app === null) return checks;
  const found = checkInstallations(await listInstallations(client, signal), app.url);
  for (const repository of repositories) {
    const { found: of } = await checkRepository(client, repository, signal);
    if (of.status === 'missing') found.push(of);
  }
  return found;
}
