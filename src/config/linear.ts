import { z } from 'zod';
import type { EnvironmentName } from './environment.ts';
import { key, nonEmpty, section } from './key.ts';

export const linearSection = section({
  agent: key(nonEmpty.default('shipmate'), 'a name', "The app's name in Linear, as people mention it."),
  team: key(
    nonEmpty.nullable().default(null),
    'the name or key of a team, such as `ENG`',
    'Where tickets are filed that name no team.',
    'the first that the app can see',
  ),
  install: key(
    z.boolean().default(false),
    '`true` or `false`',
    'Whether admins install the app by OAuth, in as many workspaces as there are; else its client credentials open the one that it belongs to.',
  ),
});

/** Linear as it is to be spoken to; what is not set is null. */
export interface LinearConfig {
  agent: string;
  team: string | null;
  install: boolean;
  apiUrl: string;
  accessToken: string | null;
  clientId: string | null;
  clientSecret: string | null;
  /** The one in use; during a rotation the other one, too. None: no webhook is accepted. */
  webhookSecrets: string[];
}

const defaultApiUrl = 'https://api.linear.app/graphql';

/** null: Linear is off, because nothing opens it. What is set by halves is told, without a value. */
export function readLinear(
  file: z.output<typeof linearSection>,
  values: Record<EnvironmentName, string | null>,
  host: string,
): { linear: LinearConfig | null; problems: string[] } {
  const { LINEAR_ACCESS_TOKEN: accessToken, LINEAR_CLIENT_ID: clientId, LINEAR_CLIENT_SECRET: clientSecret } = values;
  const webhookSecrets = listSecrets(values.LINEAR_WEBHOOK_SECRET);
  const apiUrl = values.LINEAR_API_URL ?? defaultApiUrl;
  const problems: string[] = [];
  if (!isReachable(apiUrl))
    problems.push(
      'LINEAR_API_URL must begin with https://, or with http:// for this machine (localhost, 127.0.0.1, [::1]) (value not shown).',
    );
  if (clientId !== null && clientSecret === null)
    problems.push(
      "LINEAR_CLIENT_ID is set, but LINEAR_CLIENT_SECRET is not. Both are on the app's page in Linear's settings, under API.",
    );
  if (clientId === null && clientSecret !== null)
    problems.push("LINEAR_CLIENT_SECRET is set, but LINEAR_CLIENT_ID is not. It stands beside it on the app's page.");
  if (accessToken !== null && clientId !== null)
    problems.push('LINEAR_ACCESS_TOKEN and LINEAR_CLIENT_ID are both set. Keep one way in: unset the other.');
  if (file.install && clientId === null)
    problems.push(
      'trackers.linear.install is true, but LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET are not set. Set them, or delete the key.',
    );
  const isOn = accessToken !== null || clientId !== null;
  if (!isOn && webhookSecrets.length > 0)
    problems.push(
      'LINEAR_WEBHOOK_SECRET is set, but nothing opens Linear. Set LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET, or LINEAR_ACCESS_TOKEN.',
    );
  if (webhookSecrets.length > 2)
    problems.push('LINEAR_WEBHOOK_SECRET holds more than two secrets. Keep the new one and the one before it.');
  if (isOn && webhookSecrets.length === 0 && !isLoopback(host))
    problems.push(
      "http.host answers others than this machine and Linear is on, but LINEAR_WEBHOOK_SECRET is not set. It is on the app's page, under Webhooks.",
    );
  if (!isOn) return { linear: null, problems };
  return { linear: { ...file, apiUrl, accessToken, clientId, clientSecret, webhookSecrets }, problems };
}

export function listSecrets(value: string | null): string[] {
  return (value ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}

export function isReachable(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
