import { z } from 'zod';
import { atLeastOne, key, nonEmpty, section } from '../../lib/documented-key.ts';
import { isLoopback, isReachable, listSecrets, type Variable } from '../../lib/variable.ts';
import type { Around, Reading } from '../definition.ts';
import type { StatusNames } from './states.ts';

export const jiraSection = section({
  agent: key(nonEmpty.default('shipmate'), 'a name', "The name of the agent's account in Jira, as people mention it."),
  label: key(
    nonEmpty.nullable().default('shipmate'),
    'a label, or null',
    'One that gives an issue to the agent, beside assigning it and mentioning it.',
  ),
  status: key(
    nonEmpty.nullable().default(null),
    'the name of a status, or null',
    'A status that gives an issue to the agent, whoever is assigned.',
  ),
  jql: key(
    nonEmpty.nullable().default(null),
    'JQL without `ORDER BY`, or null',
    'Issues that it finds are the agent’s, too; it is asked each time that the agent looks for its tickets.',
  ),
  project: key(
    nonEmpty.nullable().default(null),
    'the name or key of a project, such as `ENG`',
    'Where tickets are filed that name no team.',
    'the first in which the agent may create any',
  ),
  reviewStatus: key(
    nonEmpty.nullable().default(null),
    'the name of a status',
    'The status in which work is reviewed.',
    'by its name: one that has the word “review” in it',
  ),
  install: key(
    z.boolean().default(false),
    '`true` or `false`',
    'Whether the agent is let in by OAuth 2.0 (3LO), on as many sites as there are; else its API token opens those in JIRA_BASE_URL.',
  ),
  poll: key(
    z.enum(['auto', 'on', 'off']).default('auto'),
    '`auto`, `on` or `off`',
    'Whether Jira is asked every few seconds. `auto`: where no webhook can come, because `http.publicUrl` or what signs webhooks is not set.',
  ),
  pollSeconds: key(atLeastOne.default(15), 'a whole number of at least 1', 'How often it is asked then.'),
});

/** Jira as it is to be spoken to; what is not set is null. */
export interface JiraSettings {
  agent: string;
  label: string | null;
  status: string | null;
  jql: string | null;
  project: string | null;
  states: StatusNames;
  /** By OAuth; else with the API token. */
  install: boolean;
  /** As people open them, without a slash at the end; by OAuth none. */
  sites: string[];
  email: string | null;
  apiToken: string | null;
  clientId: string | null;
  clientSecret: string | null;
  /** Of webhooks that administrators make; during a rotation the other one, too. */
  webhookSecrets: string[];
  /** Where webhooks are to go that the app registers; null: it registers none. */
  webhookUrl: string | null;
  /** How often Jira is asked; null: webhooks tell. */
  pollSeconds: number | null;
  /** Without a slash at their ends. */
  apiUrl: string;
  authUrl: string;
}

const variables = [
  {
    name: 'JIRA_BASE_URL',
    meaning:
      'The site, such as `https://acme.atlassian.net`; several with commas between them. With the next two, it switches Jira on.',
  },
  { name: 'JIRA_EMAIL', meaning: "The address of the agent's account in Jira." },
  {
    name: 'JIRA_API_TOKEN',
    meaning: 'An API token of that account.',
    secret: 'value',
    inFile: { path: /jira(?!.*webhook).*token/, value: /^ATATT/ },
  },
  {
    name: 'JIRA_WEBHOOK_SECRET',
    meaning: "Signs Jira's webhooks; two with a comma between them while one replaces the other.",
    secret: 'list',
    inFile: { path: /jira.*webhook/ },
  },
  {
    name: 'JIRA_CLIENT_ID',
    meaning: 'Of an OAuth 2.0 app, in place of the token; with `trackers.jira.install`.',
  },
  {
    name: 'JIRA_CLIENT_SECRET',
    meaning:
      "The app's secret; what is kept of its sites is encrypted with it, and it signs the webhooks that the app registers.",
    secret: 'value',
    inFile: { path: /jira(?!.*webhook).*secret/ },
  },
  { name: 'JIRA_API_URL', meaning: "Another gateway to Jira's sites than `https://api.atlassian.com`." },
  { name: 'JIRA_AUTH_URL', meaning: 'Another place for OAuth than `https://auth.atlassian.com`.' },
] as const satisfies Variable[];

export const jiraVariables: readonly Variable<JiraVariable>[] = variables;
export type JiraVariable = (typeof variables)[number]['name'];

/** Off where nothing opens it. */
export function readJira(
  file: z.output<typeof jiraSection>,
  values: Readonly<Record<JiraVariable, string | null>>,
  { http: { host, publicUrl } }: Pick<Around, 'http'>,
): Reading<JiraSettings | null> {
  const { JIRA_EMAIL: email, JIRA_API_TOKEN: apiToken } = values;
  const { JIRA_CLIENT_ID: clientId, JIRA_CLIENT_SECRET: clientSecret } = values;
  const given = listSecrets(values.JIRA_BASE_URL);
  const webhookSecrets = listSecrets(values.JIRA_WEBHOOK_SECRET);
  const apiUrl = (values.JIRA_API_URL ?? 'https://api.atlassian.com').replace(/\/+$/, '');
  const authUrl = (values.JIRA_AUTH_URL ?? 'https://auth.atlassian.com').replace(/\/+$/, '');
  const problems: string[] = [];
  for (const [name, url] of [
    ['JIRA_API_URL', apiUrl],
    ['JIRA_AUTH_URL', authUrl],
    ...given.map((each) => ['JIRA_BASE_URL', each] as const),
  ] as const)
    if (!isReachable(url))
      problems.push(
        `${name} must begin with https://, or with http:// for this machine (localhost, 127.0.0.1, [::1]) (value not shown).`,
      );
  const byToken: [name: string, value: unknown, where: string][] = [
    ['JIRA_BASE_URL', given[0] ?? null, 'It is the address that people open, such as https://acme.atlassian.net.'],
    ['JIRA_EMAIL', email, "It is the address of the agent's account."],
    [
      'JIRA_API_TOKEN',
      apiToken,
      'Make one at https://id.atlassian.com/manage-profile/security/api-tokens as that account, or for a service account at https://admin.atlassian.com.',
    ],
  ];
  const isToken = byToken.some(([, value]) => value !== null);
  const missing = byToken.filter(([, value]) => value === null);
  if (isToken)
    for (const [name, , where] of missing) {
      const [there] = byToken.find(([, value]) => value !== null) ?? [];
      problems.push(`${there} is set, but ${name} is not. ${where}`);
    }
  if (isToken && clientId !== null)
    problems.push(
      'JIRA_API_TOKEN (or what belongs to it) and JIRA_CLIENT_ID are both set. Keep one way in: unset the other.',
    );
  if (clientId !== null && clientSecret === null)
    problems.push("JIRA_CLIENT_ID is set, but JIRA_CLIENT_SECRET is not. Both are on the app's page, under Settings.");
  if (clientId === null && clientSecret !== null)
    problems.push("JIRA_CLIENT_SECRET is set, but JIRA_CLIENT_ID is not. It stands beside it on the app's page.");
  if (file.install && clientId === null)
    problems.push(
      'trackers.jira.install is true, but JIRA_CLIENT_ID and JIRA_CLIENT_SECRET are not set. Set them, or delete the key.',
    );
  if (!file.install && clientId !== null)
    problems.push(
      'JIRA_CLIENT_ID is set, but trackers.jira.install is not true. Set it in shipmate.yaml: an app is let in by OAuth only.',
    );
  if (file.jql !== null && /\border\s+by\b/i.test(file.jql.replace(/"[^"]*"|'[^']*'/g, '')))
    problems.push('trackers.jira.jql has ORDER BY in it. Leave that out: the agent asks in its own order.');
  if (file.label !== null && /\s/.test(file.label))
    problems.push(
      'trackers.jira.label has a space in it, which no label in Jira may have. Name one without, such as for-shipmate.',
    );
  const isOn = isToken || clientId !== null;
  if (!isOn && webhookSecrets.length > 0)
    problems.push(
      'JIRA_WEBHOOK_SECRET is set, but nothing opens Jira. Set JIRA_BASE_URL, JIRA_EMAIL and JIRA_API_TOKEN.',
    );
  if (webhookSecrets.length > 2)
    problems.push('JIRA_WEBHOOK_SECRET holds more than two secrets. Keep the new one and the one before it.');
  const isSigned = webhookSecrets.length > 0 || clientSecret !== null;
  const { poll, pollSeconds, reviewStatus, ...rest } = file;
  const isPolled = poll === 'on' || (poll === 'auto' && (publicUrl === null || !isSigned));
  if (isOn && !isPolled && !isSigned && !isLoopback(host))
    problems.push(
      'trackers.jira.poll is off, but JIRA_WEBHOOK_SECRET is not set: nothing of Jira would be heard. Set it, or let it poll.',
    );
  if (!isOn) return { settings: null, problems };
  const sites = [...new Set(given.map((url) => URL.parse(url)?.origin ?? url))];
  const ways = { sites, email, apiToken, clientId, clientSecret, webhookSecrets, apiUrl, authUrl };
  const states = { review: reviewStatus };
  const webhookUrl =
    publicUrl === null || isPolled || !file.install ? null : `${publicUrl.replace(/\/+$/, '')}/webhooks/jira`;
  return { settings: { ...rest, ...ways, states, webhookUrl, pollSeconds: isPolled ? pollSeconds : null }, problems };
}
