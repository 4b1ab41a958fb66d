import type { Octokit } from 'octokit';
import type { Check } from '../../../core/check.ts';
import { type Asking, type Keys, openAsking, statusOf, whatFailed } from './asking.ts';
import {
  checkClock,
  checkInstallations,
  checkKey,
  checkRights,
  type InstallationFacts,
  listInstallations,
} from './check-app.ts';
import { checkRepository, type NamedRepository } from './check-repositories.ts';
import { checkWebhooks } from './check-webhooks.ts';

export interface CheckOptions {
  keys: Keys;
  /** Where people look, such as `https://github.com`. */
  webUrl: string;
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
  const checks: Check[] = [];
  const say = (found: readonly Check[]) => {
    for (const check of found) {
      checks.push(check);
      options.onCheck?.(check);
    }
  };
  const asking = await openAsking(options.keys);
  try {
    await (asking.asUser === null ? checkAll(asking, options, say) : checkUser(asking.asUser, options, say));
  } catch (error) {
    options.signal.throwIfAborted();
    say([
      {
        name: 'GitHub',
        status: 'missing',
        message: `it did not answer as expected: ${whatFailed(error)}`,
        remedy: 'Try again later.',
      },
    ]);
  }
  return checks;
}

type Say = (found: readonly Check[]) => void;

async function checkAll(asking: Asking, options: CheckOptions, say: Say): Promise<void> {
  const { asApp } = asking;
  if (asApp === null) throw new Error('unreachable: there is no App');
  const { keys, webUrl, repositories, pollSeconds, signal } = options;
  const { app, checks } = await checkKey(asApp, keys, webUrl);
  say(checks);
  if (app === null) return;
  say(checkRights(app, pollSeconds === null));
  const installations = await listInstallations(asApp);
  say(checkInstallations(installations, app.url));
  const installUrl = `${app.url}/installations/new`;
  const asked = new Set<number>();
  for (const repository of repositories) {
    signal.throwIfAborted();
    const installation = await installationOn(asApp, repository, installations);
    if (installation?.isSuspended) continue; // told above
    const ask = installation && (await asking.asInstallation(installation.id));
    say(await checkRepository(repository, ask, installation?.url ?? installUrl, webUrl));
    if (installation && ask && !asked.has(installation.id)) {
      asked.add(installation.id);
      say(await checkBudget(ask, `limits of ${installation.account}`));
    }
  }
  if (repositories.length === 0) say([noRepository]);
  if (pollSeconds === null) say(await checkWebhooks({ ...options, asApp, app, url: options.webhookUrl }));
  else say([polled(pollSeconds)]);
}

async function checkUser(asUser: Octokit, options: CheckOptions, say: Say): Promise<void> {
  const { webUrl, repositories, pollSeconds, webhookUrl, areSigned } = options;
  const name = 'token';
  try {
    const { data, headers } = await asUser.rest.users.getAuthenticated();
    const ends = Date.parse(String(headers['github-authentication-token-expiration'] ?? ''));
    const days = Math.floor((ends - Date.now()) / 86_400_000);
    say([
      days <= 14
        ? {
            name,
            status: 'warning',
            message: `it is of ${data.login}, and ends in ${days} days`,
            remedy: `Make another at ${webUrl}/settings/tokens, in time.`,
          }
        : { name, status: 'ok', message: `it is of ${data.login}: the agent acts as that user` },
      ...checkClock(headers.date),
    ]);
  } catch (error) {
    const isRefused = statusOf(error) === 401;
    const message = `GitHub ${isRefused ? 'does not take it' : 'cannot be asked'}: ${whatFailed(error)}`;
    return say([
      {
        name,
        status: 'missing',
        message,
        remedy: isRefused ? 'It was revoked or has ended: make another.' : 'Look at the network and GITHUB_API_URL.',
      },
    ]);
  }
  for (const repository of repositories)
    say(await checkRepository(repository, asUser, `${webUrl}/settings/tokens`, webUrl));
  if (repositories.length === 0) say([noRepository]);
  say(await checkBudget(asUser, 'limits'));
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

const noRepository: Check = {
  name: 'repositories',
  status: 'warning',
  message: 'shipmate.yaml names none on GitHub',
  remedy: 'Name one: repositories: { web: { url: https://github.com/OWNER/NAME } }',
};

function polled(seconds: number): Check {
  return { name: 'webhooks', status: 'ok', message: `not used: GitHub is asked every ${seconds} s` };
}

/** The installation that covers a repository; null: none does. One that is renamed is found by its owner, and told by its new name. */
async function installationOn(
  asApp: Octokit,
  { location }: NamedRepository,
  installations: readonly InstallationFacts[],
): Promise<InstallationFacts | null> {
  const [owner = '', repo = ''] = location.split('/');
  try {
    const { data } = await asApp.rest.apps.getRepoInstallation({ owner, repo });
    return installations.find(({ id }) => id === data.id) ?? null;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    return (
      installations.find(({ account, areSelected }) => !areSelected && account.toLowerCase() === owner.toLowerCase()) ??
      null
    );
  }
}

async function checkBudget(ask: Octokit, name: string): Promise<Check[]> {
  const { data } = await ask.rest.rateLimit.get();
  const { remaining, limit } = data.resources.core;
  const message = `${remaining} of ${limit} requests are left in this hour`;
  return [
    {
      name,
      status: remaining < limit / 10 ? 'warning' : 'ok',
      message,
      remedy: 'What does not fit waits for the next hour.',
    },
  ];
}

/** In short, for who sets it up: where it may work, and what of the configured repositories is left out. */
export async function lookAtGitHub(options: Pick<CheckOptions, 'keys' | 'webUrl' | 'repositories'>): Promise<Check[]> {
  const { keys, webUrl, repositories } = options;
  const asking = await openAsking(keys);
  try {
    if (asking.asApp === null) {
      const found: Check[] = [];
      const nothing = {
        pollSeconds: 0,
        webhookUrl: null,
        areSigned: false,
        waitMs: 0,
        signal: AbortSignal.timeout(60_000),
      };
      await checkUser(asking.asUser as Octokit, { ...options, ...nothing }, (checks) => found.push(...checks));
      return found.filter(({ name }) => name === 'token' || name.startsWith('repository'));
    }
    const { app, checks } = await checkKey(asking.asApp, keys, webUrl);
    if (app === null) return checks;
    const installations = await listInstallations(asking.asApp);
    const uncovered: Check[] = [];
    for (const repository of repositories)
      if ((await installationOn(asking.asApp, repository, installations)) === null)
        uncovered.push(...(await checkRepository(repository, null, `${app.url}/installations/new`, webUrl)));
    return [...checkInstallations(installations, app.url), ...uncovered];
  } catch (error) {
    return [{ name: 'GitHub', status: 'missing', message: `it did not answer as expected: ${whatFailed(error)}` }];
  }
}
