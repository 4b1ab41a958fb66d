import type { ConnectStep } from '../../connecting.ts';
import type { WebhookWords } from '../../webhook-check.ts';
import type { JiraSettings } from '../settings.ts';
import { scopes } from './oauth.ts';

/** What a person has to do for Jira, in lines of a terminal. */

export const isOff =
  'Jira is off: the environment holds neither JIRA_BASE_URL, JIRA_EMAIL and JIRA_API_TOKEN nor JIRA_CLIENT_ID and JIRA_CLIENT_SECRET.';

/** Of an API token; what OAuth asks for beside these is for webhooks and for staying in. */
const tokenScopes = scopes.filter((scope) => /:jira-(work|user)$/.test(scope));

export const permissions =
  'Browse projects, Create issues, Edit issues, Assign issues, Assignable user, Transition issues, Link issues, Add comments, Edit own comments, Delete own comments';

interface Http {
  host: string;
  port: number;
  publicUrl: string | null;
}

const example = 'https://shipmate.example.com';

function baseOf({ publicUrl }: Pick<Http, 'publicUrl'>): string {
  return (publicUrl ?? example).replace(/\/+$/, '');
}

export function account(jira: JiraSettings | null): ConnectStep {
  const service = [
    'The agent is a member of its own, best a service account, which costs nothing: an admin makes it at',
    'https://admin.atlassian.com, Directory, Service accounts. Any other account will do, too.',
  ];
  const consenting = [
    'The agent is a member of its own, as the account that consents below. A service account cannot: it does not sign in.',
  ];
  return {
    title: 'An account for the agent in Jira',
    done: jira !== null,
    lines: [
      ...(jira?.email ? [`The agent works as ${jira.email} (JIRA_EMAIL).`] : jira?.install ? consenting : service),
      'It needs access to Jira on the site, and a role in each project that it is to work in, with the permissions',
      `${permissions}.`,
      'With "Delete issues" --check removes the ticket that it files; without, it closes it.',
    ],
  };
}

export function keys(jira: JiraSettings | null, http: Http): ConnectStep {
  const title = 'Its keys in the environment of the service';
  const here = 'This command sees its own environment: run it with the one that the service has.';
  if (jira?.install)
    return {
      title,
      done: true,
      lines: ['JIRA_CLIENT_ID and JIRA_CLIENT_SECRET are set (trackers.jira.install: true).', ...oauthApp(http)],
    };
  if (jira !== null)
    return {
      title,
      done: true,
      lines: [
        `JIRA_BASE_URL (${jira.sites.join(', ')}), JIRA_EMAIL and JIRA_API_TOKEN are set.`,
        `A token with scopes needs ${tokenScopes.join(', ')}. It ends after a year at most: make the next one before.`,
      ],
    };
  return {
    title,
    done: false,
    lines: [
      'An API token of that account. For a service account an admin makes it beside the account, under Create credentials;',
      'for any other, that account does at https://id.atlassian.com/manage-profile/security/api-tokens.',
      `Choose the scopes ${tokenScopes.join(', ')}. It ends after a year at most.`,
      'export JIRA_BASE_URL=https://acme.atlassian.net   # several with commas between them',
      'export JIRA_EMAIL=...                             # the address of the account',
      'export JIRA_API_TOKEN=...',
      here,
      '',
      'Or OAuth 2.0 (3LO) in place of the token, as an account that can sign in, which a service account cannot:',
      ...oauthApp(http),
      'export JIRA_CLIENT_ID=...        # under Settings of the app',
      'export JIRA_CLIENT_SECRET=...    # beside it',
      'and trackers.jira.install: true in shipmate.yaml.',
    ],
  };
}

/** Also when there is one: what is found wrong is told by these names. */
function oauthApp(http: Http): string[] {
  return [
    'The app is made at https://developer.atlassian.com/console/myapps, Create, OAuth 2.0 integration:',
    `- Permissions, Jira API: ${scopes.filter((scope) => scope !== 'offline_access').join(', ')}`,
    ...(http.publicUrl === null ? [`(your own address in place of ${example})`] : []),
    `- Authorization, OAuth 2.0 (3LO), Callback URL: ${baseOf(http)}/oauth/jira/callback`,
    "- Make it signed in as the agent's account; or, under Distribution, share it: Jira sends webhooks of an app that is not",
    '  shared to its owner only.',
  ];
}

export function news(jira: JiraSettings | null, http: Http): ConnectStep {
  const title = 'How it hears what happens';
  if (jira?.pollSeconds)
    return {
      title,
      done: true,
      lines: [
        `Jira is asked every ${jira.pollSeconds} s: that needs no address and no webhook. To be told at once instead:`,
        ...(http.publicUrl === null ? ingress(http) : []),
        ...(jira.install ? [] : adminWebhook(http)),
      ],
    };
  if (jira?.install)
    return {
      title,
      done: true,
      lines: [`By webhooks, which it registers and renews by itself: ${jira.webhookUrl}`, leads(http)],
    };
  const secrets = jira?.webhookSecrets.length ?? 0;
  if (jira !== null && secrets > 0)
    return {
      title,
      done: true,
      lines: [
        `By webhooks. JIRA_WEBHOOK_SECRET is set${secrets > 1 ? ': two of them, while one replaces the other' : ''}.`,
        leads(http),
        ...adminWebhook(http),
      ],
    };
  return {
    title,
    done: false,
    lines: [
      'Without an address that Jira can reach, Jira is asked every 15 s: then nothing is to be done here.',
      'To be told at once:',
      ...(http.publicUrl === null ? ingress(http) : [leads(http)]),
      ...adminWebhook(http),
      'An OAuth app registers its webhooks by itself; no admin has to.',
    ],
  };
}

function leads({ host, port, publicUrl }: Http): string {
  return `${publicUrl} (http.publicUrl) has to lead to http://${host}:${port} of this machine; --check looks whether it does.`;
}

function ingress({ host, port }: Http): string[] {
  return [
    `- a reverse proxy with a certificate, or a tunnel, that passes on to http://${host}:${port}`,
    `- its address in shipmate.yaml: http: { publicUrl: ${example} }`,
  ];
}

function adminWebhook(http: Http): string[] {
  return [
    '- a webhook that an admin of the site makes, under Settings, System, WebHooks (in each site):',
    `  URL: ${baseOf(http)}/webhooks/jira`,
    '  Secret: a long random text (openssl rand -hex 32), the same in all sites',
    '  Issue: created, updated, deleted; Comment: created. Exclude body: off. A JQL may name the projects.',
    '- export JIRA_WEBHOOK_SECRET=...   # that secret',
  ];
}

/** What people are told where webhooks do not come. */
export function webhookWords({ install }: JiraSettings, url: string | null): WebhookWords {
  const names: Record<string, string> = {
    'jira:issue_updated': 'Issue: updated',
    comment_created: 'Comment: created',
  };
  const where = install ? 'registered by the agent' : 'under Settings, System, WebHooks';
  return {
    unsigned: [
      'JIRA_WEBHOOK_SECRET is not set, so none is accepted',
      "Set it to the secret of the webhook in Jira, and start the service again; or set trackers.jira.poll to 'on'.",
    ],
    refused: [
      'one arrived whose signature does not match',
      install
        ? 'The service runs with another JIRA_CLIENT_SECRET than the app has now, or an admin made a webhook of another secret. Set it right, and start the service again.'
        : 'JIRA_WEBHOOK_SECRET is not the secret of the webhook in Jira, which shows it never again: set a new one in both places, and start the service again.',
    ],
    late: [
      'they arrive, but too late for anything to be begun by them',
      'Look at the clock of the machine that the service runs on and set it right (NTP), or find what holds requests up between Jira and it. Until then what people want is looked up in Jira, minutes later.',
    ],
    incomplete: (came, missing, waited) => [
      `they arrive (${came.join(', ')}), but ${missing.join(' and ')} did not ${waited}`,
      install
        ? 'Jira may be slow: check again. Else delete the webhooks of the app, and start the service again: it registers them anew.'
        : `Tick "${missing.map((event) => names[event] ?? event).join('" and "')}" in the webhook in Jira, ${where}.`,
    ],
    noAddress:
      'Set http.publicUrl in shipmate.yaml and start the service; the URL of the webhook is that with /webhooks/jira behind it.',
    elsewhere: install
      ? `Share the app under Distribution in the developer console, or make it as the account that consented: Jira sends the webhooks of an app that is not shared to its owner only. They go to ${url}.`
      : `See that the webhook in Jira, ${where}, is enabled, leads to ${url}, and that its JQL leaves this project in.`,
  };
}
