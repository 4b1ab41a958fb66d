import { z } from 'zod';
import { VendorError } from '../../../core/vendor-error.ts';
import { createJiraClient, type JiraAuth } from '../client.ts';
import { createSite, type Site, type Sites } from '../sites.ts';

const answerWithinMs = 10_000;
const tenant = z.object({ cloudId: z.string().min(1) });

/** The sites that one account's API token opens, each in the way that this token is for. */
export function createTokenSites(options: {
  /** As people open them. */
  urls: readonly string[];
  auth: JiraAuth;
  /** The gateway, where tokens with scopes have to go. */
  apiUrl: string;
  now?: (() => number) | undefined;
}): Sites {
  const { urls, auth, apiUrl, now } = options;
  const found = new Map<string, Site>();
  let lost: VendorError[] = [];

  const siteBy = (url: string, cloudId: string | null) =>
    createSite(createJiraClient({ site: { url, cloudId }, auth, apiUrl, now }), now);

  /** Tokens with scopes go to the gateway, and those without to the site; which it is, is found by trying. */
  async function reach(url: string, signal: AbortSignal): Promise<Site> {
    const known = found.get(url);
    if (known) return known;
    const cloudId = await cloudIdOf(url, signal);
    if (cloudId !== null) {
      const byGateway = siteBy(url, cloudId);
      try {
        await byGateway.own(signal);
        found.set(url, byGateway);
        return byGateway;
      } catch (error) {
        const isRefused = error instanceof VendorError && ['disconnected', 'not_found', 'invalid'].includes(error.code);
        if (!isRefused) throw error;
      }
    }
    const itself = siteBy(url, null);
    await itself.own(signal);
    found.set(url, itself);
    return itself;
  }

  return {
    known: () => [...found.values()],
    async all(signal) {
      const reached = await Promise.allSettled(urls.map((url) => reach(url, signal)));
      signal.throwIfAborted();
      lost = reached.flatMap((each, index) =>
        each.status === 'rejected' ? [lostOf(each.reason, urls[index] ?? '')] : [],
      );
      const open = reached.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      if (open.length === 0 && lost[0]) throw lost[0];
      return open;
    },
    lost: async () => lost,
  };
}

/** The same with the site as its account, so that the tickets of the others are not held up. */
function lostOf(error: unknown, url: string): VendorError {
  if (!(error instanceof VendorError)) throw error;
  const { message, code, retryable, retryAfterMs } = error;
  return new VendorError(message, {
    code,
    retryable,
    retryAfterMs,
    account: URL.parse(url)?.host ?? url,
    cause: error,
  });
}

/** null: the site does not say; its own address is left to be tried. */
async function cloudIdOf(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const until = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
    const answer = await fetch(`${url}/_edge/tenant_info`, { redirect: 'manual', signal: until });
    return tenant.safeParse(await answer.json()).data?.cloudId ?? null;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
