import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../linear/clock.ts';
import type { User } from './rows.ts';
import type { Site } from './site.ts';

/** An app of the developer console, or (`serviceUser`) the credentials of a service account. */
export interface App {
  clientId: string;
  clientSecret: string;
  name: string;
  redirectUris: string[];
  /** Scopes that it was given in the console. */
  scopes: string[];
  /** Whose client credentials these are. */
  serviceUser: User | null;
}

/** apiToken: a person's or a service account's, of one account; oauth: by consent; client: by client credentials. */
export interface Token {
  kind: 'apiToken' | 'oauth' | 'client';
  value: string;
  user: User;
  /** null: an API token without scopes, which goes to the site itself, and may all that its user may. */
  scopes: ReadonlySet<string> | null;
  sites: Site[];
  app: App | null;
  expiresAt: number;
  isRevoked: boolean;
}

interface Refresh {
  app: App;
  user: User;
  site: Site;
  scopes: ReadonlySet<string>;
  /** All that came of one consent: where one of them is used twice, all are over. */
  family: string;
  expiresAt: number;
  usedAt: number | null;
}

export interface Answer {
  status: number;
  body?: unknown;
  location?: string;
}

export interface OAuth {
  apps: App[];
  tokens: Token[];
  /** So long a refresh token may be used again, as after an answer that was lost. */
  reuseWithinMs: number;
  addApp(wanted?: Partial<App>): App;
  /** An API token; with `scopes` one that is for the gateway only. */
  addApiToken(site: Site, user: User, options?: { scopes?: string[]; days?: number }): Token;
  revoke(value: string): void;
  /** Users take back what they consented to, of all sites or one; of all: no token of the app is left. */
  disconnect(app: App, site?: Site): void;
  /** Valid, and not over. */
  find(value: string): Token | null;
  authorizePage(query: URLSearchParams, sites: Site[]): Answer;
  /** What came of the button. `form`: `ticket`, `decision`, `site`. */
  decide(form: URLSearchParams, sites: Site[], userOf: (site: Site) => User | null): Answer;
  token(body: Record<string, unknown>): Answer;
  resources(authorization: string | undefined): Answer;
}

export const usualScopes = ['read:jira-work', 'write:jira-work', 'read:jira-user', 'manage:jira-webhook'];
const dayMs = 86_400_000;
const refreshForMs = 90 * dayMs;
const accessForMs = 3_600_000;

export function createOAuth(clock: Clock): OAuth {
  const tickets = new Map<string, URLSearchParams>();
  const codes = new Map<
    string,
    { app: App; user: User; site: Site; scopes: Set<string>; redirectUri: string; expiresAt: number }
  >();
  const refreshes = new Map<string, Refresh>();
  /** A user consents for one site after the other: each of his tokens of that app opens all of them. */
  const consented = new Map<string, Site[]>();
  const random = (prefix: string) => `${prefix}${randomBytes(24).toString('base64url')}`;
  const refused = (status: number, error: string, error_description: string): Answer => ({
    status,
    body: { error, error_description },
  });

  function issue(token: Omit<Token, 'isRevoked'>): Token {
    const whole = { ...token, isRevoked: false };
    oauth.tokens.push(whole);
    return whole;
  }

  function accessToken(app: App, user: User, sites: Site[], scopes: ReadonlySet<string>, kind: Token['kind']): Token {
    return issue({
      kind,
      value: random('eyJ'),
      user,
      scopes,
      sites,
      app,
      expiresAt: clock.now() + accessForMs,
    });
  }

  const told = (token: Token) => ({
    access_token: token.value,
    token_type: 'Bearer',
    expires_in: Math.round((token.expiresAt - clock.now()) / 1000),
    scope: [...(token.scopes ?? [])].join(' '),
  });

  function pair(
    { app, user, site, scopes }: Pick<Refresh, 'app' | 'user' | 'site' | 'scopes'>,
    family: string,
  ): Answer {
    const key = `${app.clientId} ${user.accountId}`;
    const sites = consented.get(key) ?? [];
    consented.set(key, sites);
    if (!sites.includes(site)) sites.push(site);
    const body = told(accessToken(app, user, sites, scopes, 'oauth'));
    if (!scopes.has('offline_access')) return { status: 200, body };
    const refresh_token = random('eyJ');
    refreshes.set(refresh_token, {
      app,
      user,
      site,
      scopes,
      family,
      expiresAt: clock.now() + refreshForMs,
      usedAt: null,
    });
    return { status: 200, body: { ...body, refresh_token } };
  }

  function end(family: string): void {
    for (const [value, refresh] of refreshes) if (refresh.family === family) refreshes.delete(value);
  }

  const grants: Record<string, (body: Record<string, unknown>, app: App) => Answer> = {
    authorization_code(body, app) {
      const code = codes.get(String(body.code));
      codes.delete(String(body.code));
      if (!code || code.app !== app || code.expiresAt < clock.now() || code.redirectUri !== body.redirect_uri)
        return refused(403, 'invalid_grant', 'Invalid authorization code');
      return pair(code, randomUUID());
    },
    refresh_token(body, app) {
      const refresh = refreshes.get(String(body.refresh_token));
      const unknown = refused(403, 'unauthorized_client', 'refresh_token is invalid');
      if (!refresh || refresh.app !== app || refresh.expiresAt < clock.now()) return unknown;
      if (refresh.usedAt !== null && clock.now() - refresh.usedAt >= oauth.reuseWithinMs) {
        // Two have it: nobody knows which of them is a thief.
        end(refresh.family);
        return unknown;
      }
      refresh.usedAt ??= clock.now();
      return pair(refresh, refresh.family);
    },
    client_credentials(_, app) {
      if (!app.serviceUser) return refused(403, 'unauthorized_client', 'Grant type not allowed for the client.');
      const site = sitesOf(app.serviceUser);
      if (!site) return refused(403, 'access_denied', 'The service account has no access to a site.');
      return { status: 200, body: told(accessToken(app, app.serviceUser, [site], new Set(app.scopes), 'client')) };
    },
  };

  let known: Site[] = [];
  const sitesOf = (user: User) => known.find(({ users }) => users.includes(user));

  const oauth: OAuth = {
    apps: [],
    tokens: [],
    reuseWithinMs: 0,
    addApp(wanted = {}) {
      const app: App = {
        clientId: random('client-'),
        clientSecret: random('ATOA'),
        name: 'Shipmate',
        redirectUris: [],
        scopes: [...usualScopes, 'offline_access'],
        serviceUser: null,
        ...wanted,
      };
      oauth.apps.push(app);
      return app;
    },
    addApiToken(site, user, { scopes, days = 365 } = {}) {
      known = [...new Set([...known, site])];
      const scoped = scopes === undefined ? null : new Set(scopes);
      const expiresAt = clock.now() + days * dayMs;
      return issue({
        kind: 'apiToken',
        value: random('ATATT'),
        user,
        scopes: scoped,
        sites: [site],
        app: null,
        expiresAt,
      });
    },
    revoke(value) {
      for (const token of oauth.tokens) if (token.value === value) token.isRevoked = true;
      const refresh = refreshes.get(value);
      if (refresh) end(refresh.family);
    },
    disconnect(app, site) {
      for (const [key, sites] of consented)
        if (key.startsWith(`${app.clientId} `))
          sites.splice(0, Infinity, ...sites.filter((each) => site && each !== site));
      if (site) return;
      for (const token of oauth.tokens) if (token.app === app) token.isRevoked = true;
      for (const [value, refresh] of refreshes) if (refresh.app === app) refreshes.delete(value);
    },
    find(value) {
      const token = oauth.tokens.find((each) => each.value === value);
      return token && !token.isRevoked && token.expiresAt > clock.now() && token.user.active ? token : null;
    },
    authorizePage(query, sites) {
      const app = oauth.apps.find(({ clientId }) => clientId === query.get('client_id'));
      const scopes = (query.get('scope') ?? '').split(' ').filter(Boolean);
      const problem = !app
        ? 'The app is unknown.'
        : !app.redirectUris.includes(query.get('redirect_uri') ?? '')
          ? 'The redirect_uri is not registered.'
          : query.get('response_type') !== 'code' || query.get('audience') !== 'api.atlassian.com'
            ? 'response_type must be code, audience api.atlassian.com.'
            : scopes.length === 0 || scopes.some((scope) => !app.scopes.includes(scope))
              ? 'A scope is not allowed for this app.'
              : query.get('state') === null
                ? 'There is no state.'
                : null;
      if (problem !== null) return { status: 400, body: page(`<h1>Something went wrong</h1><p>${problem}</p>`) };
      const ticket = random('');
      tickets.set(ticket, query);
      const options = sites.map(({ cloudId, name }) => `<option value="${cloudId}">${name}</option>`).join('');
      const form = `<form method="post" action="/authorize"><input type="hidden" name="ticket" value="${ticket}"><select name="site">${options}</select><button name="decision" value="accept">Accept</button><button name="decision" value="cancel">Cancel</button></form>`;
      return { status: 200, body: page(`<h1>${app?.name} is requesting access</h1>${form}`) };
    },
    decide(form, sites, userOf) {
      const query = tickets.get(form.get('ticket') ?? '');
      tickets.delete(form.get('ticket') ?? '');
      const app = oauth.apps.find(({ clientId }) => clientId === query?.get('client_id'));
      const site = sites.find(({ cloudId }) => cloudId === form.get('site')) ?? sites[0];
      if (!query || !app || !site) return { status: 400, body: page('<p>The page is too old.</p>') };
      const back = new URL(query.get('redirect_uri') ?? '');
      back.searchParams.set('state', query.get('state') ?? '');
      const user = userOf(site);
      if (form.get('decision') !== 'accept' || !user) {
        back.searchParams.set('error', 'access_denied');
        back.searchParams.set('error_description', 'User did not authorize the request');
      } else {
        const code = random('');
        const scopes = new Set((query.get('scope') ?? '').split(' ').filter(Boolean));
        const redirectUri = query.get('redirect_uri') ?? '';
        codes.set(code, { app, user, site, scopes, redirectUri, expiresAt: clock.now() + 5 * 60_000 });
        back.searchParams.set('code', code);
      }
      return { status: 302, location: back.href };
    },
    token(body) {
      const app = oauth.apps.find(({ clientId }) => clientId === body.client_id);
      if (!app || app.clientSecret !== body.client_secret) return refused(401, 'access_denied', 'Unauthorized');
      const grant = grants[String(body.grant_type)];
      return grant ? grant(body, app) : refused(400, 'unsupported_grant_type', 'The grant type is not supported.');
    },
    resources(authorization = '') {
      const token = oauth.find(authorization.replace(/^Bearer /, ''));
      if (!token?.scopes) return { status: 401, body: { code: 401, message: 'Unauthorized' } };
      const { scopes } = token;
      const sites = token.sites.map(({ cloudId: id, name, url, mediaUrl }) => ({
        id,
        url,
        name,
        scopes: [...scopes].filter((scope) => scope !== 'offline_access'),
        avatarUrl: `${mediaUrl}/avatar.png`,
      }));
      return { status: 200, body: sites };
    },
  };
  return oauth;
}

const page = (inner: string) => `<!DOCTYPE html><html><body>${inner}</body></html>`;

/** A person at the page to which `url` leads, who presses one of its buttons. Answers where the browser is sent then. */
export async function clickThrough(
  url: string,
  { decision = 'accept', site }: { decision?: 'accept' | 'cancel'; site?: Site } = {},
): Promise<URL> {
  const shown = await fetch(url, { redirect: 'manual' });
  const html = await shown.text();
  const ticket = /name="ticket" value="([^"]+)"/.exec(html)?.[1];
  if (ticket === undefined) throw new Error(`There is no button on this page: ${shown.status} ${html}`);
  const form = new URLSearchParams({ ticket, decision, ...(site && { site: site.cloudId }) });
  const answer = await fetch(new URL('/authorize', url), { method: 'POST', body: form, redirect: 'manual' });
  await answer.arrayBuffer();
  return new URL(answer.headers.get('location') ?? '');
}
