import type { Octokit } from 'octokit';
import type { Check } from '../../../core/check.ts';
import { type Keys, statusOf, whatFailed } from './asking.ts';
import { missingEvents, missingPermissions } from './wanted.ts';

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

/** Whether GitHub takes the key, and whose it is; null where it does not. */
export async function checkKey(
  asApp: Octokit,
  { apiUrl }: Keys,
  webUrl: string,
): Promise<{ app: AppFacts | null; checks: Check[] }> {
  const name = 'key';
  try {
    const { data, headers } = await asApp.rest.apps.getAuthenticated();
    if (data === null) throw new Error('unreachable: GitHub answered without an App');
    const { slug = '', name: title, html_url: url, owner, permissions, events } = data;
    const org = owner && 'type' in owner && owner.type === 'Organization' ? `/organizations/${owner.login}` : '';
    const settingsUrl = `${webUrl}${org}/settings/apps/${slug}`;
    const app = { slug, url, settingsUrl, permissions: permissions as Record<string, string>, events };
    return {
      app,
      checks: [{ name, status: 'ok', message: `it is of the App "${title}" (${url})` }, ...checkClock(headers.date)],
    };
  } catch (error) {
    const status = statusOf(error);
    const clock = checkClock((error as { response?: { headers?: { date?: string } } }).response?.headers?.date);
    const wrongClock = clock.find((check) => check.status === 'warning');
    if (wrongClock) return { app: null, checks: [{ ...wrongClock, status: 'missing' }] };
    const [message, remedy] =
      status === 0
        ? [`${apiUrl} does not answer: ${whatFailed(error)}`, 'Look at the network, a proxy, and GITHUB_API_URL.']
        : status === 404
          ? [
              `there is no App of that id at ${apiUrl}`,
              "Correct GITHUB_APP_ID; it stands at the top of the App's page. For a GitHub Enterprise Server set GITHUB_API_URL, too.",
            ]
          : status === 401
            ? [
                `GitHub does not take it: ${whatFailed(error)}`,
                "GITHUB_PRIVATE_KEY is of another App, or was deleted. Make a new one on the App's page, under Private keys.",
              ]
            : [
                `GitHub refused it: ${whatFailed(error)}`,
                "Try again later; https://www.githubstatus.com says whether it is GitHub's fault.",
              ];
    return { app: null, checks: [{ name, status: 'missing', message, remedy }] };
  }
}

/** A clock that is wrong makes good keys look bad. */
export function checkClock(date: string | undefined): Check[] {
  const theirs = Date.parse(date ?? '');
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
  const lacking = missingPermissions(permissions);
  const unheard = areHeard ? missingEvents(events) : [];
  return [
    lacking.length === 0
      ? { name: 'permissions', status: 'ok', message: 'the App has all that it needs' }
      : {
          name: 'permissions',
          status: 'missing',
          message: `the App lacks ${lacking.join(', ')}`,
          remedy: `Grant them at ${settingsUrl}/permissions; then those who installed it have to accept that.`,
        },
    ...(areHeard
      ? [
          unheard.length === 0
            ? ({ name: 'events', status: 'ok', message: 'the App is told of all that matters' } as const)
            : ({
                name: 'events',
                status: 'missing',
                message: `the App is not told of ${unheard.join(', ')}`,
                remedy: `Tick them at ${settingsUrl}/permissions, under "Subscribe to events".`,
              } as const),
        ]
      : []),
  ];
}

export interface InstallationFacts {
  id: number;
  /** Whose repositories. */
  account: string;
  /** Where people change it. */
  url: string;
  isSuspended: boolean;
  areSelected: boolean;
  permissions: Record<string, string>;
}

export async function listInstallations(asApp: Octokit): Promise<InstallationFacts[]> {
  const all = await asApp.paginate(asApp.rest.apps.listInstallations, { per_page: 100 });
  return all.map(({ id, account, html_url: url, suspended_at, repository_selection, permissions }) => ({
    id,
    account: nameOf(account) ?? String(id),
    url,
    isSuspended: suspended_at !== null,
    areSelected: repository_selection === 'selected',
    permissions: permissions as Record<string, string>,
  }));
}

/** An enterprise has no login. */
function nameOf(account: object | null): string | null {
  const { login, slug } = (account ?? {}) as { login?: string; slug?: string };
  return login ?? slug ?? null;
}

/** Each on a line; none at all is `missing`. `appUrl`: the App's page. */
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
