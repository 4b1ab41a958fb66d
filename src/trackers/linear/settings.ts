import { z } from 'zod';
import { key, nonEmpty, section } from '../../lib/documented-key.ts';
import { isLoopback, isReachable, listSecrets, type Variable } from '../../lib/variable.ts';
import type { Reading } from '../definition.ts';

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
export interface LinearSettings {
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

const variables = [
  {
    name: 'LINEAR_CLIENT_ID',
    meaning: 'Of the app in Linear that the agent is; with the next one, it switches Linear on.',
  },
  {
    name: 'LINEAR_CLIENT_SECRET',
    meaning: "The app's secret; what is kept of its installations is encrypted with it.",
    secret: 'value',
    inFile: { path: /linear(?!.*webhook).*secret/ },
  },
  {
    name: 'LINEAR_ACCESS_TOKEN',
    meaning: 'A token for Linear, in place of the two above.',
    secret: 'value',
    inFile: { path: /linear(?!.*(webhook|secret))/, value: /^lin_(api|oauth)_/ },
  },
  {
    name: 'LINEAR_WEBHOOK_SECRET',
    meaning: "Signs Linear's webhooks; two with a comma between them while one replaces the other.",
    secret: 'list',
    inFile: { path: /linear.*webhook/ },
  },
  {
    name: 'LINEAR_API_URL',
    meaning: 'Another API than `https://api.linear.app/graphql`; OAuth is asked for there, too.',
  },
] as const satisfies Variable[];

export const linearVariables: readonly Variable<LinearVariable>[] = variables;
export type LinearVariable = (typeof variables)[number]['name'];

const defaultApiUrl = 'https://api.linear.app/graphql';

/** Off where nothing opens it. */
export function readLinear(
  file: z.output<typeof linearSection>,
  values: Readonly<Record<LinearVariable, string | null>>,
  host: string,
): Reading<LinearSettings | null> {
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
  if (!isOn) return { settings: null, problems };
  return { settings: { ...file, apiUrl, accessToken, clientId, clientSecret, webhookSecrets }, problems };
}
