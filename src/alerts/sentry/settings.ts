import { z } from 'zod';
import { type AlertRule, alertLevels } from '../../core/alert.ts';
import { atLeastOne, key, nonEmpty, section } from '../../lib/documented-key.ts';
import { isReachable, listSecrets, type Variable } from '../../lib/variable.ts';
import type { AroundAlerts } from '../alert-source.ts';

/** A project of Sentry, and what is done with its errors. */
export interface SentryProject extends AlertRule {
  organization: string;
  slug: string;
}

export interface SentrySettings {
  /** "https://sentry.io"; without `/api/0`. */
  baseUrl: string;
  token: string;
  /** What signs webhooks: the client secret of the integration, and another while one replaces the other. */
  webhookSecrets: string[];
  projects: SentryProject[];
}

const project = z.strictObject({
  project: key(
    z.string().regex(/^[A-Za-z0-9][\w-]{0,99}\/[A-Za-z0-9][\w-]{0,99}$/),
    '`organization/project`, by their slugs',
    'A project of Sentry.',
  ),
  repository: key(
    nonEmpty,
    'a name under `repositories`',
    'Whose code runs there: sessions that work on it may read the errors of the project, and its tickets are about it.',
  ),
  level: key(
    z.enum(alertLevels).default('ticket'),
    '`ticket`, `root-cause` or `pull-request`',
    'What becomes of an error that a webhook tells of: a ticket; one that the agent is given to say the cause on, changing nothing; or one that it is given to mend.',
  ),
  minEvents: key(atLeastOne.default(2), 'a whole number of at least 1', 'An error with fewer events is left alone.'),
  perDay: key(
    z.int().min(0).default(5),
    'a whole number (0: none by itself)',
    'So many errors of the project become tickets on a day (UTC). People are told once a day when they are used up.',
  ),
  environments: key(
    z.preprocess((value) => value ?? [], z.array(nonEmpty)).prefault([]),
    'a list of environments; empty: all',
    'Errors of others are left alone.',
  ),
  team: key(
    nonEmpty.nullable().default(null),
    'a team, or null',
    'Where its tickets go. null: by `routes`, as for `/make-ticket`.',
  ),
  ticketProject: key(
    nonEmpty.nullable().default(null),
    'a project of the tracker, or null',
    'The same within the team.',
  ),
  labels: key(
    z.preprocess((value) => value ?? [], z.array(nonEmpty)).prefault(['sentry']),
    'a list of labels',
    'Of its tickets.',
  ),
});

export const sentrySection = section({
  projects: key(
    z.preprocess((value) => value ?? [], z.array(project)).prefault([]),
    'a list of projects, each with its repository',
    'Projects of Sentry. Only these are read, whatever the token could see. Without any, Sentry is left alone.',
  ),
});

export const sentryVariables = [
  {
    name: 'SENTRY_AUTH_TOKEN',
    meaning: 'Of an internal integration in Sentry, with `event:read` and `project:read`; reads errors for sessions.',
    secret: 'value',
    inFile: { path: /sentry.*token/, value: /^sntry[a-z]_/ },
  },
  {
    name: 'SENTRY_BASE_URL',
    meaning: 'Another Sentry than `https://sentry.io`: `https://de.sentry.io`, or your own.',
  },
  {
    name: 'SENTRY_WEBHOOK_SECRET',
    meaning:
      "The integration's client secret, which signs its webhooks; two with a comma between them while one replaces the other.",
    secret: 'list',
    inFile: { path: /sentry.*(webhook|secret)/ },
  },
] as const satisfies Variable[];

type Values = Readonly<Record<(typeof sentryVariables)[number]['name'], string | null>>;

/** On where projects are named. A token alone may be there for another program. */
export function readSentry(
  file: z.output<typeof sentrySection>,
  values: Values,
  { repositories }: AroundAlerts,
): { settings: SentrySettings | null; problems: string[] } {
  if (file.projects.length === 0) return { settings: null, problems: [] };
  const problems: string[] = [];
  const baseUrl = values.SENTRY_BASE_URL?.replace(/(\/api\/0)?\/*$/, '') ?? 'https://sentry.io';
  const { username = '', password = '' } = URL.parse(baseUrl) ?? {};
  if (!isReachable(baseUrl) || `${username}${password}` !== '')
    problems.push('SENTRY_BASE_URL must be an https:// address without credentials (value not shown).');
  if (values.SENTRY_AUTH_TOKEN === null)
    problems.push('sentry.projects names projects, but nothing opens Sentry: set SENTRY_AUTH_TOKEN.');
  const known = repositories.map(({ name }) => name);
  const projects = file.projects.map(({ project: name, repository, ...rule }, index): SentryProject => {
    const [organization = '', slug = ''] = name.split('/');
    if (!known.includes(repository))
      problems.push(
        `sentry.projects[${index}].repository names "${repository}", which is not under repositories (${known.length === 0 ? 'none is configured' : `known: ${known.join(', ')}`}).`,
      );
    if (file.projects.findIndex((each) => each.project.toLowerCase() === name.toLowerCase()) < index)
      problems.push(`sentry.projects[${index}] names ${name} once more. Keep one of them.`);
    return { project: name, organization, slug, repository, ...rule };
  });
  // Without one the webhook is closed, and the rest works.
  const webhookSecrets = listSecrets(values.SENTRY_WEBHOOK_SECRET);
  return { settings: { baseUrl, token: values.SENTRY_AUTH_TOKEN ?? '', webhookSecrets, projects }, problems };
}
