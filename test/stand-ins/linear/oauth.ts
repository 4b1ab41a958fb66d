import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

export interface App {
  clientId: string;
  clientSecret: string;
  redirectUris: string[];
  /** Whether the app may have tokens without anybody's consent. */
  hasClientCredentials: boolean;
}

export interface Token {
  value: string;
  workspaceId: string;
  scopes: ReadonlySet<string>;
  expiresAt: number;
  isRevoked: boolean;
  kind: 'installed' | 'clientCredentials';
}

interface Refresh {
  workspaceId: string;
  scopes: ReadonlySet<string>;
  isRevoked: boolean;
  /** What it was exchanged for, the first time. */
  used: { at: number; answer: Answer } | null;
}

interface Code {
  workspaceId: string;
  redirectUri: string;
  scopes: ReadonlySet<string>;
  challenge: string | null;
  expiresAt: number;
}

export interface Answer {
  status: number;
  body?: unknown;
  location?: string;
}

export interface OAuth {
  app: App;
  /** Which organization's admin consents; null: he does not. */
  consent: { workspaceId: string } | null;
  /** What the token is good for; null where it is not, or not any more. */
  find(value: string): Token | null;
  issue(workspaceId: string, scopes?: string[]): Token;
  revoke(value: string): void;
  /** The app is removed from an organization. */
  revokeAll(workspaceId: string): void;
  authorize(query: URLSearchParams): Answer;
  token(form: URLSearchParams, authorization: string | undefined): Answer;
  revokeRequest(form: URLSearchParams, authorization: string | undefined): Answer;
}

const installedForMs = 86_399_000;
const clientCredentialsForMs = 2_591_999_000;
/** An answer that was lost can be asked for again so long. */
const refreshAgainMs = 30 * 60_000;
const allScopes = ['read', 'write', 'app:assignable', 'app:mentionable'];
const knownScopes = new Set([
  ...allScopes,
  'issues:create',
  'comments:create',
  'timeSchedule:write',
  'customer:read',
  'customer:write',
  'initiative:read',
  'initiative:write',
]);

export function createOAuth(clock: Clock, app: App): OAuth {
  const tokens = new Map<string, Token>();
  const refreshes = new Map<string, Refresh>();
  const codes = new Map<string, Code>();
  const random = (prefix: string) => `${prefix}${randomBytes(24).toString('hex')}`;
  const refused = (error: string, status = 400): Answer => ({ status, body: { error, error_description: error } });

  function issue(workspaceId: string, scopes: Iterable<string>, kind: Token['kind'], forMs: number): Token {
    const value = random('lin_oauth_');
    const token = {
      value,
      workspaceId,
      scopes: new Set(scopes),
      expiresAt: clock.now() + forMs,
      isRevoked: false,
      kind,
    };
    tokens.set(value, token);
    return token;
  }

  function pair(workspaceId: string, scopes: ReadonlySet<string>): Answer {
    const token = issue(workspaceId, scopes, 'installed', installedForMs);
    const refresh = random('lin_refresh_');
    refreshes.set(refresh, { workspaceId, scopes, isRevoked: false, used: null });
    return { status: 200, body: { ...told(token), refresh_token: refresh } };
  }

  function told(token: Token): Record<string, unknown> {
    const expires_in = Math.floor((token.expiresAt - clock.now()) / 1000);
    return { access_token: token.value, token_type: 'Bearer', expires_in, scope: [...token.scopes].join(' ') };
  }

  /** With the secret, in the form or as Basic; a code's verifier stands for it. */
  function isApp(form: URLSearchParams, authorization: string | undefined): boolean {
    const [id, secret] = authorization?.startsWith('Basic ')
      ? Buffer.from(authorization.slice(6), 'base64').toString('utf8').split(':').map(decodeURIComponent)
      : [form.get('client_id'), form.get('client_secret')];
    return id === app.clientId && (secret === app.clientSecret || (secret === null && form.has('code_verifier')));
  }

  const grants: Record<string, (form: URLSearchParams) => Answer> = {
    client_credentials(form) {
      if (!app.hasClientCredentials) return refused('unauthorized_client');
      const workspaceId = oauth.consent?.workspaceId;
      const scopes = scopesIn(form.get('scope'));
      if (workspaceId === undefined) return refused('invalid_grant');
      if (!scopes) return refused('invalid_scope');
      for (const token of tokens.values())
        if (token.kind === 'clientCredentials' && token.workspaceId === workspaceId) token.isRevoked = true;
      return { status: 200, body: told(issue(workspaceId, scopes, 'clientCredentials', clientCredentialsForMs)) };
    },
    authorization_code(form) {
      const given = form.get('code') ?? '';
      const code = codes.get(given);
      codes.delete(given);
      if (!code || code.expiresAt < clock.now() || code.redirectUri !== form.get('redirect_uri'))
        return refused('invalid_grant');
      const verifier = form.get('code_verifier');
      const challenge = verifier && createHash('sha256').update(verifier).digest('base64url');
      return code.challenge === challenge ? pair(code.workspaceId, code.scopes) : refused('invalid_grant');
    },
    refresh_token(form) {
      const refresh = refreshes.get(form.get('refresh_token') ?? '');
      if (!refresh || refresh.isRevoked) return refused('invalid_grant');
      if (refresh.used)
        return clock.now() - refresh.used.at < refreshAgainMs ? refresh.used.answer : refused('invalid_grant');
      refresh.used = { at: clock.now(), answer: pair(refresh.workspaceId, refresh.scopes) };
      return refresh.used.answer;
    },
  };

  const oauth: OAuth = {
    app,
    consent: null,
    find(value) {
      const token = tokens.get(value);
      return token && !token.isRevoked && token.expiresAt > clock.now() ? token : null;
    },
    issue: (workspaceId, scopes = allScopes) => issue(workspaceId, scopes, 'installed', clientCredentialsForMs),
    revoke(value) {
      const token = tokens.get(value);
      if (token) token.isRevoked = true;
      const refresh = refreshes.get(value);
      if (refresh) refresh.isRevoked = true;
    },
    revokeAll(workspaceId) {
      for (const each of [...tokens.values(), ...refreshes.values()])
        if (each.workspaceId === workspaceId) each.isRevoked = true;
    },
    authorize(query) {
      const redirectUri = query.get('redirect_uri') ?? '';
      if (query.get('client_id') !== app.clientId) return refused('invalid_client');
      if (!app.redirectUris.includes(redirectUri)) return refused('invalid_redirect_uri');
      const back = new URL(redirectUri);
      const state = query.get('state');
      if (state !== null) back.searchParams.set('state', state);
      const scopes = scopesIn(query.get('scope'));
      const isForApp =
        query.get('actor') === 'app' || !scopes || ![...scopes].some((scope) => scope.startsWith('app:'));
      const problem =
        query.get('response_type') !== 'code'
          ? 'unsupported_response_type'
          : !scopes || !isForApp
            ? 'invalid_scope'
            : oauth.consent === null
              ? 'access_denied'
              : null;
      if (problem !== null || !scopes || !oauth.consent) back.searchParams.set('error', problem ?? 'access_denied');
      else {
        const code = random('');
        const challenge = query.get('code_challenge');
        const expiresAt = clock.now() + 10 * 60_000;
        codes.set(code, { workspaceId: oauth.consent.workspaceId, redirectUri, scopes, challenge, expiresAt });
        back.searchParams.set('code', code);
      }
      return { status: 302, location: back.href };
    },
    token(form, authorization) {
      const grant = grants[form.get('grant_type') ?? ''];
      if (!grant) return refused('unsupported_grant_type');
      return isApp(form, authorization) ? grant(form) : refused('invalid_client', 401);
    },
    revokeRequest(form, authorization) {
      const value = form.get('token') ?? authorization?.replace(/^Bearer /, '') ?? '';
      if (!tokens.has(value) && !refreshes.has(value)) return refused('invalid_token');
      oauth.revoke(value);
      return { status: 200, body: {} };
    },
  };
  return oauth;
}

/** Written with commas or with blanks; null where one is unknown. `read` is always there. */
function scopesIn(text: string | null): Set<string> | null {
  const scopes = new Set(['read', ...(text ?? '').split(/[\s,]+/).filter(Boolean)]);
  return [...scopes].every((scope) => knownScopes.has(scope)) ? scopes : null;
}
