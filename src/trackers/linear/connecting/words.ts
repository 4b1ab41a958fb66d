import type { LinearSettings } from '../settings.ts';

/** What a person has to do for Linear, in lines of a terminal. */

export const isOff =
  'Linear is off: the environment holds neither LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET nor LINEAR_ACCESS_TOKEN.';

export function ingress({ host, port, publicUrl }: { host: string; port: number; publicUrl: string | null }): string[] {
  if (publicUrl !== null)
    return [
      `${publicUrl} (http.publicUrl) has to lead to http://${host}:${port} of this machine; --check looks whether it does.`,
    ];
  return [
    'Linear tells what happens by webhooks only, over HTTPS. Set up either of these, whichever you have:',
    `- a reverse proxy with a certificate (Caddy, nginx, Traefik) that passes on to http://${host}:${port}`,
    `- a tunnel of your own (cloudflared, Tailscale Funnel, an SSH server) that ends at http://${host}:${port}`,
    'Then write its address into shipmate.yaml:',
    '',
    'http:',
    '  publicUrl: https://shipmate.example.com',
  ];
}

/** Also when there is one: what is found wrong is told by these names. */
export function appSettings(publicUrl: string | null, isThere: boolean): string[] {
  const base = (publicUrl ?? 'https://shipmate.example.com').replace(/\/$/, '');
  return [
    isThere
      ? 'The environment names one. It is under https://linear.app/settings/api, where an admin sets and sees:'
      : 'An admin of the workspace makes it at https://linear.app/settings/api/applications/new:',
    '- Application name: what people will mention, such as Shipmate (trackers.linear.agent in shipmate.yaml is the same)',
    ...(publicUrl === null ? ['(your own address in place of https://shipmate.example.com)'] : []),
    `- Callback URLs: ${base}/oauth/linear/callback`,
    '- Client credentials: on (not needed where you set trackers.linear.install: true)',
    '- Webhooks: on',
    `- Webhook URL: ${base}/webhooks/linear`,
    '- App events: Agent session events, Inbox notifications, Permission changes',
    '- Data change events: Issues, Comments',
    'Shipmate asks for these scopes by itself: read, write, issues:create, comments:create, customer:read, app:assignable and app:mentionable.',
    'The last two let people give it issues and mention it; they come with actor=app.',
  ];
}

export function switchOn(hasWayIn: boolean): string[] {
  const lines = ["export LINEAR_WEBHOOK_SECRET=...   # the signing secret on the app's page, under Webhooks"];
  const here = 'This command sees its own environment: run it with the one that the service has.';
  if (hasWayIn) return [...lines, here];
  return [
    "export LINEAR_CLIENT_ID=...        # on the app's page",
    'export LINEAR_CLIENT_SECRET=...    # beside it',
    ...lines,
    'Client credentials open the one workspace that the app belongs to. For several, or an app that others install:',
    'trackers.linear.install: true in shipmate.yaml. For a try, LINEAR_ACCESS_TOKEN (a token of the app) takes their place.',
    here,
  ];
}

export function wayIn({ accessToken, install }: LinearSettings): string {
  if (accessToken !== null) return 'LINEAR_ACCESS_TOKEN is set';
  return `LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET are set, for ${install ? 'every workspace that installs the app' : 'the one workspace that the app belongs to'}`;
}
