import { z } from 'zod';
import { VendorError } from '../../../core/vendor-error.ts';
import { type Granted, parse, reasonOf, requestToken as request, unavailable } from '../../token-endpoint.ts';

/** What the agent's calls need; the last two are for webhooks of its own, and for tokens that can be refreshed. */
export const scopes = ['read:jira-work', 'write:jira-work', 'read:jira-user', 'manage:jira-webhook', 'offline_access'];

/** A scope that Jira alone has: consents are to other products, too. */
const ofJira = 'read:jira-work';

/** Asks for a token. Throws `Refused` with what Jira said, or `VendorError` (`unavailable`, `rate_limited`). */
export function requestToken(authUrl: string, fields: Record<string, string>, signal: AbortSignal): Promise<Granted> {
  const endpoint = {
    vendor: 'Jira',
    url: `${authUrl}/oauth/token`,
    encoding: 'json',
    refusals: ['access_denied', 'invalid_client', 'invalid_grant', 'invalid_scope', 'unauthorized_client'],
    usualSeconds: 3_600,
  } as const;
  return request(endpoint, fields, signal);
}

/** A site that people have let us into. */
export const grantedSite = z.object({
  /** Its cloudId. */
  id: z.string().min(1),
  /** As people open it. */
  url: z.url(),
  name: z.string(),
});
export type GrantedSite = z.output<typeof grantedSite>;

const resources = z.array(grantedSite.extend({ scopes: z.array(z.string()) }));
const timeoutMs = 20_000;

/** The sites that a token opens now; null: the token itself is refused. Throws `VendorError` where nobody can tell. */
export async function readGrantedSites(
  apiUrl: string,
  token: string,
  signal: AbortSignal,
): Promise<GrantedSite[] | null> {
  const url = `${apiUrl}/oauth/token/accessible-resources`;
  let status: number;
  let text: string;
  try {
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    status = answer.status;
    text = await answer.text();
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(`${url} cannot be reached: ${reasonOf(error)}.`, error);
  }
  if (status === 401) return null;
  if (status === 429)
    throw new VendorError('Jira asks us to wait.', { code: 'rate_limited', retryable: true, retryAfterMs: 60_000 });
  const read = resources.safeParse(parse(text));
  if (status !== 200 || !read.success)
    throw unavailable(`${url} answered HTTP ${status}, and nothing that says which sites the agent may enter.`);
  return read.data
    .filter(({ scopes: given }) => given.includes(ofJira))
    .map(({ id, url: place, name }) => ({ id, url: new URL(place).origin, name }));
}
