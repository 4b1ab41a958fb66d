import { z } from 'zod';
import { atLeastOne, key, nonEmpty, section } from '../lib/documented-key.ts';
import { isLoopback, isReachable, listSecrets } from '../lib/variable.ts';
import type { GitHubSettings } from '../vendors/github/settings.ts';
import type { EnvironmentName } from './environment.ts';
import { readPrivateKey } from './github-key.ts';

export const githubSection = section({
  agent: key(
    nonEmpty.default('shipmate'),
    'a name',
    "The agent's name on GitHub, as people mention it: the App's, in the form that its address has (without `[bot]`), or the login of the token's user.",
  ),
  labels: key(z.array(nonEmpty).default([]), 'a list of labels', 'What its pull requests are labelled with.'),
  poll: key(
    z.enum(['auto', 'on', 'off']).default('auto'),
    '`auto`, `on` or `off`',
    'Whether GitHub is asked every few seconds. `auto`: where no webhook can come, because `http.publicUrl` or GITHUB_WEBHOOK_SECRET is not set.',
  ),
  pollSeconds: key(
    atLeastOne.default(15),
    'a whole number of at least 1',
    'How often it is asked then; what has not changed costs nothing of its limits.',
  ),
});

const fullName = /^[\w.-]+\/[\w.-]+$/;

const publicApi = 'https://api.github.com';

/** null: GitHub is off, because nothing opens it. What is set by halves is told, without a value. */
export function readGitHub(
  file: z.output<typeof githubSection>,
  values: Record<EnvironmentName, string | null>,
  { publicUrl, absolute }: { publicUrl: string | null; absolute(path: string): string },
): { github: GitHubSettings | null; apiUrl: string; secrets: string[]; problems: string[] } {
  const { GITHUB_APP_ID: appId, GITHUB_PRIVATE_KEY: givenKey, GITHUB_TOKEN: token } = values;
  const apiUrl = (values.GITHUB_API_URL ?? publicApi).replace(/\/+$/, '');
  const webhookSecrets = listSecrets(values.GITHUB_WEBHOOK_SECRET);
  const problems = [...wrongApi(apiUrl)];
  if (appId !== null && !/^(\d{1,12}|Iv[\w.]{6,40})$/.test(appId))
    problems.push("GITHUB_APP_ID must be the App's id, a number (or its client id, `Iv...`) (value not shown).");
  if (appId !== null && givenKey === null)
    problems.push(
      "GITHUB_APP_ID is set, but GITHUB_PRIVATE_KEY is not. Make one on the App's page, under Private keys; or run `shipmate connect github`.",
    );
  if (appId === null && givenKey !== null)
    problems.push("GITHUB_PRIVATE_KEY is set, but GITHUB_APP_ID is not. It stands at the top of the App's page.");
  if (token !== null && (appId !== null || givenKey !== null))
    problems.push('GITHUB_TOKEN is set, and so is the App (GITHUB_APP_ID). Keep one way in: unset the other.');
  const privateKey = givenKey === null ? null : readPrivateKey(givenKey, absolute);
  if (privateKey !== null && 'problem' in privateKey)
    problems.push(`GITHUB_PRIVATE_KEY ${privateKey.problem} (value not shown).`);
  const isOn = token !== null || (appId !== null && givenKey !== null);
  if (!isOn && appId === null && givenKey === null && webhookSecrets.length > 0)
    problems.push(
      'GITHUB_WEBHOOK_SECRET is set, but nothing opens GitHub. Set GITHUB_APP_ID and GITHUB_PRIVATE_KEY, or GITHUB_TOKEN.',
    );
  if (webhookSecrets.length > 2)
    problems.push('GITHUB_WEBHOOK_SECRET holds more than two secrets. Keep the new one and the one before it.');
  if (isOn && file.poll === 'off' && webhookSecrets.length === 0)
    problems.push(
      'github.poll is off, but GITHUB_WEBHOOK_SECRET is not set: nothing of GitHub would be heard. Set it, or let it poll.',
    );
  const secrets = privateKey !== null && 'pem' in privateKey ? privateKey.secrets : [];
  if (!isOn) return { github: null, apiUrl, secrets, problems };
  const { poll, pollSeconds, ...rest } = file;
  const isPolled = poll === 'on' || (poll === 'auto' && (publicUrl === null || webhookSecrets.length === 0));
  const pem = privateKey !== null && 'pem' in privateKey ? privateKey.pem : null;
  const ways = { apiUrl, appId, privateKey: pem, token, webhookSecrets };
  return { github: { ...rest, ...ways, pollSeconds: isPolled ? pollSeconds : null }, apiUrl, secrets, problems };
}

function wrongApi(apiUrl: string): string[] {
  if (!isReachable(apiUrl))
    return [
      'GITHUB_API_URL must begin with https://, or with http:// for this machine (localhost, 127.0.0.1, [::1]) (value not shown).',
    ];
  const { hostname, pathname } = new URL(apiUrl);
  if (hostname.startsWith('api.') || pathname !== '/' || isLoopback(hostname)) return [];
  return [
    hostname === 'github.com'
      ? `GITHUB_API_URL is GitHub's own site. Its API is at ${publicApi}: unset the variable.`
      : 'GITHUB_API_URL names a host only. Of a GitHub Enterprise Server it is https://HOST/api/v3.',
  ];
}

/** Where people see what the API speaks of, such as `https://github.com`. */
export function webUrlOf(apiUrl: string): string {
  const { protocol, host } = new URL(apiUrl);
  return `${protocol}//${host.replace(/^api\./, '')}`;
}

/** `owner/name`, where this is a git URL of a repository on that GitHub; else null. */
export function locationOnGitHub(url: string, apiUrl: string): string | null {
  const { host, hostname } = new URL(webUrlOf(apiUrl));
  const parsed =
    /^https?:\/\/(?:www\.)?(?<host>[^/]+)\/(?<path>.+)$/i.exec(url) ??
    /^ssh:\/\/(?:[\w.-]+@)?(?<host>[^/:]+)(?::\d+)?\/(?<path>.+)$/i.exec(url) ??
    /^(?:[\w.-]+@)?(?<host>[\w.-]+):(?<path>[^/].*)$/.exec(url);
  const { host: given = '', path = '' } = parsed?.groups ?? {};
  // GitHub answers SSH there, too, where a firewall lets only port 443 through.
  const there = [host, hostname, `ssh.${hostname}`];
  const location = path.replace(/\/$/, '').replace(/\.git$/i, '');
  return there.includes(given.toLowerCase()) && fullName.test(location) ? location : null;
}
