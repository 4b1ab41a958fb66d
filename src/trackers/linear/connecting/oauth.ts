import { type Granted, requestToken as request } from '../../token-endpoint.ts';

/**
 * What the app asks for; `app:assignable` and `app:mentionable` make it a member that people can give issues to and name.
 * Without `customer:read` a ticket is read without what customers say of it.
 */
export const scopes = [
  'read',
  'write',
  'issues:create',
  'comments:create',
  'customer:read',
  'app:assignable',
  'app:mentionable',
];

/** Where OAuth is spoken: Linear's own places, and one origin for all of it at another installation. */
export function oauthEndpoints(apiUrl: string): { token: string; authorize: string } {
  const { origin, hostname } = new URL(apiUrl);
  const page = hostname === 'api.linear.app' ? 'https://linear.app' : origin;
  return { token: `${origin}/oauth/token`, authorize: `${page}/oauth/authorize` };
}

/** Asks for a token. Throws `Refused` with what Linear said, or `VendorError` (`unavailable`, `rate_limited`). */
export function requestToken(apiUrl: string, form: Record<string, string>, signal: AbortSignal): Promise<Granted> {
  const endpoint = {
    vendor: 'Linear',
    url: oauthEndpoints(apiUrl).token,
    encoding: 'form',
    refusals: ['invalid_client', 'invalid_grant', 'invalid_scope', 'unauthorized_client'],
    usualSeconds: 86_399,
  } as const;
  return request(endpoint, form, signal);
}
