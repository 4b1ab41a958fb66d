import { z } from 'zod';
import { cleanLine } from '../../../core/outside-text.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { parse, reasonOf, unavailable } from '../../token-endpoint.ts';
import { authorizationOf } from './authorization.ts';
import { disconnected } from './disconnected.ts';
import type { Workspace } from './tokens.ts';

/** Who a token makes us, and where. */
export const identityDocument = 'query Identity { viewer { id } organization { id name urlKey } }';

const identity = z.object({
  data: z.object({
    viewer: z.object({ id: z.string().min(1) }),
    organization: z.object({ id: z.string().min(1), name: z.string(), urlKey: z.string() }),
  }),
});

const timeoutMs = 20_000;

/**
 * Asks Linear. Throws `VendorError`: `disconnected` when the token is refused, `rate_limited`, `unavailable`. It stands
 * below the client that everything else goes through, because that one is told by it where it is.
 */
export async function readIdentity(apiUrl: string, token: string, signal: AbortSignal): Promise<Workspace> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(apiUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: authorizationOf(token),
      },
      body: JSON.stringify({ query: identityDocument }),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    status = response.status;
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(`${apiUrl} cannot be reached: ${reasonOf(error)}.`, error);
  }
  const read = identity.safeParse(parse(text));
  if (status === 200 && read.success) {
    const { viewer, organization } = read.data.data;
    return { ...organization, name: cleanLine(organization.name, 100), appUserId: viewer.id };
  }
  if (/ratelimited/i.test(text) || status === 429)
    throw new VendorError('Linear asks us to wait.', { code: 'rate_limited', retryable: true });
  if (status === 401 || status === 403 || /AUTHENTICATION_ERROR|authentication/i.test(text))
    throw disconnected(`it refuses the token (HTTP ${status}).`);
  throw unavailable(`${apiUrl} answered HTTP ${status}, and nothing that says who we are.`);
}

/** Each is asked for once a process; one that failed is asked for again. */
export function createIdentities(apiUrl: string): {
  of(key: string, token: string, signal: AbortSignal): Promise<Workspace>;
} {
  const known = new Map<string, Workspace>();
  return {
    async of(key, token, signal) {
      const found = known.get(key) ?? (await readIdentity(apiUrl, token, signal));
      known.set(key, found);
      return found;
    },
  };
}
