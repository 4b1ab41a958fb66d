import { z } from 'zod';
import { VendorError } from '../../../core/vendor-error.ts';
import { orAborted } from '../../../lib/abort.ts';
import type { Connection, Connections } from '../../connections.ts';
import { createJiraClient, type JiraAuth } from '../client.ts';
import { ofSite } from '../errors.ts';
import { createSite, type Site, type Sites } from '../sites.ts';

/** What is kept of sites that a token opens: nothing secret, only whose account the agent has there. */
export const memberKind = 'jira-member';

const member = z.object({
  email: z.string(),
  cloudId: z.string().nullable(),
  accountId: z.string().min(1),
  displayName: z.string(),
});

const answerWithinMs = 10_000;
/** One that could not be reached holds up those who ask for the others no longer than this, though it may yet be reached. */
const patienceMs = 1_000;
/** The gateway says no to a token that is for the site; and it may be that only the site can be reached from here. */
const mayBeForSite = ['disconnected', 'not_found', 'invalid', 'unavailable'];
const tenant = z.object({ cloudId: z.string().min(1) });

/** The sites that one account's API token opens, each in the way that this token is for. */
export function createTokenSites(options: {
  /** As people open them. */
  urls: readonly string[];
  auth: JiraAuth & { type: 'basic' };
  /** The gateway, where tokens with scopes have to go. */
  apiUrl: string;
  connections: Pick<Connections, 'update'>;
  /** What was known of them when the process began, so that no webhook comes before it is known whose account is ours. */
  recalled?: readonly Connection[];
}): Sites {
  const { urls, auth, apiUrl, connections, recalled = [] } = options;
  const found = new Map<string, Site>();
  let lost: VendorError[] = [];
  const tries = new Map<string, Try>();

  const clientBy = (url: string, cloudId: string | null) => createJiraClient({ site: { url, cloudId }, auth, apiUrl });
  const siteBy = (url: string, cloudId: string | null) => createSite(clientBy(url, cloudId));

  const remembered = new Map(
    urls.flatMap((url) => {
      const { data } = member.safeParse(recalled.find(({ id }) => id === hostOf(url))?.about);
      if (data?.email !== auth.email) return [];
      const { cloudId, accountId, displayName } = data;
      return [[url, createSite(clientBy(url, cloudId), Date.now, { accountId, displayName })] as const];
    }),
  );

  /** For the next start. */
  async function keep(url: string, cloudId: string | null, site: Site): Promise<Site> {
    const own = site.knownOwn();
    const about = { email: auth.email, cloudId, ...own };
    await connections.update(memberKind, hostOf(url), async (current) =>
      JSON.stringify(member.safeParse(current?.about).data) === JSON.stringify(about)
        ? null
        : { about, sealed: null, lost: null },
    );
    found.set(url, site);
    return site;
  }

  /** Tokens with scopes go to the gateway, and those without to the site; which it is, is found by trying. */
  async function reach(url: string, signal: AbortSignal): Promise<Site> {
    const cloudId = await cloudIdOf(url, signal);
    let away: VendorError | null = null;
    if (cloudId !== null) {
      const byGateway = siteBy(url, cloudId);
      try {
        await byGateway.own(signal);
        return keep(url, cloudId, byGateway);
      } catch (error) {
        if (!(error instanceof VendorError) || !mayBeForSite.includes(error.code)) throw error;
        if (error.code === 'unavailable') away = error;
      }
    }
    const itself = siteBy(url, null);
    await itself.own(signal).catch((error: unknown) => {
      throw away ?? error; // what the site says of a token that is for the gateway means nothing
    });
    return keep(url, null, itself);
  }

  /** All who ask share one try; it ends when nobody waits any more. */
  async function enter(url: string, signal: AbortSignal): Promise<Site> {
    const known = found.get(url);
    if (known) return known;
    const before = lost.find(({ account }) => account === hostOf(url));
    const trying = tries.get(url) ?? begin(url);
    trying.waiting++;
    const patience = before ? AbortSignal.timeout(patienceMs) : null;
    try {
      return await orAborted(trying.site, patience ? AbortSignal.any([signal, patience]) : signal);
    } catch (error) {
      throw before && patience?.aborted && error === patience.reason ? before : error;
    } finally {
      trying.waiting--;
      if (trying.waiting === 0 && signal.aborted) trying.stop.abort(signal.reason);
    }
  }

  function begin(url: string): Try {
    const stop = new AbortController();
    const site = reach(url, stop.signal).finally(() => tries.delete(url));
    site.catch(() => {}); // whoever waits hears of it
    const begun: Try = { site, stop, waiting: 0 };
    tries.set(url, begun);
    return begun;
  }

  return {
    known: () => urls.flatMap((url) => found.get(url) ?? remembered.get(url) ?? []),
    async all(signal) {
      const reached = await Promise.allSettled(urls.map((url) => enter(url, signal)));
      signal.throwIfAborted();
      lost = reached.flatMap((each, index) =>
        each.status === 'rejected' ? [refusalOf(each.reason, hostOf(urls[index] ?? ''))] : [],
      );
      const open = reached.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      if (open.length === 0 && lost[0]) throw lost[0];
      return open;
    },
    lost: async () => lost,
  };
}

interface Try {
  site: Promise<Site>;
  stop: AbortController;
  waiting: number;
}

function refusalOf(error: unknown, host: string): VendorError {
  if (error instanceof VendorError) return ofSite(error, host);
  throw error;
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
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
