import type { Check } from '../../../core/check.ts';
import type { GitHubClient } from '../client.ts';
import { statusOf } from '../errors.ts';
import { missingEvents, missingPermissions, welcomeEvents } from './wanted.ts';

/** The App as GitHub knows it. */
export interface AppFacts {
  slug: string;
  /** Its page. */
  url: string;
  /** Where its owner sets it up. */
  settingsUrl: string;
  permissions: Record<string, string>;
  events: string[];
}

/** Beyond a minute, GitHub takes no key of an App. */
const skewToldMs = 20_000;

export const unreachable =
  'Look at the network, a proxy, and GITHUB_API_URL; https://www.githubstatus.com says whether it is GitHub.';

interface AppAnswer {
  slug?: string;
  name: string;
  html_url: string;
  owner?: { login?: string; type?: string } | null;
  permissions: Record<string, string>;
  events: string[];
}

/** Whether GitHub takes the key, and whose it is; null where it does not. */
export async function checkKey(
  client: GitHubClient,
  signal: AbortSignal,
): Promise<{ app: AppFacts | null; checks: Check[] }> {
  const name = 'key';
  try {
    const { data, headers } = await client.ask<AppAnswer>('GET /app', {}, signal);
    const { slug = '', name: title, html_url: url, owner, permissions, events } = data;
    const org = owner?.type === 'Organization' ? `/organizations/${owner.login}` : '';
    const settingsUrl = `${client.webUrl}${org}/settings/apps/${slug}`;
    const works: Check = { name, status: 'ok', message: `it is of the App "${title}" (${url})` };
    return { app: { slug, url, settingsUrl, permissions, events }, checks: [works, ...checkClock(headers.date)] };
  } catch (error) {
    signal.throwIfAborted();
    const { message, cause } = error as Error;
    const refused = cause as { response?: { headers?: { date?: string } } } | undefined;
    const clock = checkClock(refused?.response?.headers?.date).find((check) => check.status === 'warning');
    if (clock && statusOf(cause) === 401) return { app: null, checks: [{ ...clock, status: 'missing' }] };
    const failed = (told: string, more: { remedy?: string } = {}) => ({
      app: null,
      checks: [{ name, status: 'missing' as const, message: told, ...more }],
    });
    if (statusOf(cause) === 404)
      return failed('GitHub knows no App of that id', {
        remedy:
          "Correct GITHUB_APP_ID: it stands at the top of the App's page. For a GitHub Enterprise Server set GITHUB_API_URL, too.",
      });
    return failed(message, statusOf(cause) === 0 ? { remedy: unreachable } : {});
  }
}

/** A clock that is wrong makes good keys look bad. */
export function checkClock(date: string | number | undefined): Check[] {
  const theirs = Date.parse(String(date ?? ''));
  if (Number.isNaN(theirs)) return [];
  const skewMs = Date.now() - theirs;
  const name = 'clock';
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) < skewToldMs) return [{ name, status: 'ok', message: 'it agrees with that of GitHub' }];
  return [
    {
      name,
      status: 'warning',
      message: `this machine's is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} that of GitHub, which takes no key beyond a minute`,
      remedy: 'Set the clock by the network (NTP).',
    },
  ];
}

/** `areHeard`: events come as webhooks. */
export function checkRights({ permissions, events, settingsUrl }: AppFacts, areHeard: boolean): Check[] {
  const page = `${settingsUrl}/permissions`;
  const lacking = missingPermissions(permissions);
  const rights: Check =
    lacking.length === 0
      ? { name: 'permissions', status: 'ok', message: 'the App has all that it needs' }
      : {
          name: 'permissions',
          status: 'missing',
          message: `the App lacks ${lacking.join(', ')}`,
          remedy: `Grant them at ${page}; then those who installed it have to accept that.`,
        };
  if (!areHeard) return [rights];
  const name = 'events';
  const unheard = missingEvents(events);
  const late = missingEvents(events, welcomeEvents);
  const remedy = `Tick them at ${page}, under "Subscribe to events".`;
  if (unheard.length > 0)
    return [rights, { name, status: 'missing', message: `the App is not told of ${unheard.join(', ')}`, remedy }];
  if (late.length === 0) return [rights, { name, status: 'ok', message: 'the App is told of all that matters' }];
  const message = `the App is not told of ${late.join(', ')}, so what changes there is seen minutes later`;
  return [rights, { name, status: 'warning', message, remedy }];
}

export interface InstallationFacts {
  /** Whose repositories. */
  account: string;
  /** Where people change it. */
  url: string;
  isSuspended: boolean;
  areSelected: boolean;
  permissions: Record<string, string>;
}

interface InstallationAnswer {
  id: number;
  /** An enterprise has no login. */
  account: { login?: string; slug?: string } | null;
  html_url: string;
  suspended_at: string | null;
  repository_selection: string;
  permissions: Record<string, string>;
}

export async function listInstallations(client: GitHubClient, signal: AbortSignal): Promise<InstallationFacts[]> {
  const { data } = await client.ask<InstallationAnswer[]>('GET /app/installations', { per_page: 100 }, signal);
  return data.map(({ id, account, html_url: url, suspended_at, repository_selection, permissions }) => ({
    account: account?.login ?? account?.slug ?? String(id),
    url,
    isSuspended: suspended_at !== null,
    areSelected: repository_selection === 'selected',
    permissions,
  }));
}

/** The first hundred: an App of one's own has a few. Each on a line; none at all is `missing`. `appUrl`: the App's page. */
export function checkInstallations(installations: readonly InstallationFacts[], appUrl: string): Check[] {
  if (installations.length === 0)
    return [
      {
        name: 'installation',
        status: 'missing',
        message: 'the App is installed nowhere, so it sees no repository',
        remedy: `Install it: ${appUrl}/installations/new`,
      },
    ];
  return installations.map(({ account, url, isSuspended, areSelected, permissions }): Check => {
    const name = `installation ${account}`;
    if (isSuspended)
      return {
        name,
        status: 'missing',
        message: 'it is suspended: nothing of these repositories can be read or written, and their work waits',
        remedy: `Unsuspend it: ${url}`,
      };
    const lacking = missingPermissions(permissions);
    if (lacking.length > 0)
      return {
        name,
        status: 'missing',
        message: `it has not granted ${lacking.join(', ')}`,
        remedy: `Accept what the App asks for: ${url}`,
      };
    return {
      name,
      status: 'ok',
      message: areSelected ? 'on the repositories that were chosen' : 'on all repositories',
    };
  });
}
