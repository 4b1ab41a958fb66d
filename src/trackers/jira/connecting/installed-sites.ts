import { VendorError } from '../../../core/vendor-error.ts';
import type { Connection } from '../../connections.ts';
import { createJiraClient } from '../client.ts';
import { disconnected, ofSite } from '../errors.ts';
import { createSite, type Site, type Sites } from '../sites.ts';
import { type GrantedSite, readGrantedSites } from './oauth.ts';
import {
  createGrantTokens,
  type Grant,
  grantKind,
  type InstallOptions,
  lostBecause,
  notLetIn,
  readGrant,
} from './oauth-installs.ts';

/** So long it is believed that a consent opens the sites that it opened when it was asked last. */
const believedForMs = 10 * 60_000;
/** Where nobody could tell, what was known holds so long: whoever asks for a site would wait for that each time. */
const askAgainAfterMs = 60_000;

/** The sites that people have let the app into, as the accounts that consented. */
export function createInstalledSites(
  options: InstallOptions & {
    /** What was known of them when the process began. */
    recalled?: readonly Connection[];
    now?: (() => number) | undefined;
  },
): Sites {
  const { apiUrl, connections, recalled = [], now = Date.now } = options;
  const tokens = createGrantTokens(options);
  const sites = new Map<string, Site>();
  /** By consent: the ids of the sites that its token opens. */
  const opened = new Map<string, { at: number; ids: readonly string[] }>();
  let grants = recalled.map(readGrant);
  let lost: VendorError[] = [];

  function siteOf({ id, accountId, displayName }: Grant, { id: cloudId, url }: GrantedSite): Site {
    const key = `${id} ${cloudId} ${url}`;
    const known = sites.get(key);
    if (known) return known;
    const { host } = new URL(url);
    const auth = {
      type: 'bearer',
      async token(refused: string | null, signal: AbortSignal): Promise<string> {
        try {
          // One that is good elsewhere is not replaced: each that is would be refused here, too.
          if (refused !== null && (await readGrantedSites(apiUrl, refused, signal)) !== null) {
            opened.delete(id);
            throw takenBack(host, displayName);
          }
          return await tokens.token(id, refused, signal);
        } catch (error) {
          throw ofSite(error, host);
        }
      },
    } as const;
    const client = createJiraClient({ site: { url, cloudId }, auth, apiUrl, now });
    const site = createSite(client, now, { accountId, displayName });
    sites.set(key, site);
    return site;
  }

  /** Asked now and then: a consent is given to one site after the other, and taken back in the same way. */
  async function openedBy({ id }: Grant, signal: AbortSignal): Promise<readonly string[]> {
    const believed = opened.get(id);
    if (believed && now() - believed.at < believedForMs) return believed.ids;
    const token = await tokens.token(id, null, signal);
    const found =
      (await readGrantedSites(apiUrl, token, signal)) ??
      (await readGrantedSites(apiUrl, await tokens.token(id, token, signal), signal)) ??
      [];
    const ids = found.map((site) => site.id);
    opened.set(id, { at: now(), ids });
    return ids;
  }

  async function enter(grant: Grant, signal: AbortSignal): Promise<{ open: Site[]; lost: VendorError[] }> {
    try {
      const ids = await openedBy(grant, signal);
      const isOpen = ({ id }: GrantedSite) => ids.includes(id);
      return {
        open: grant.sites.filter(isOpen).map((site) => siteOf(grant, site)),
        lost: grant.sites
          .filter((site) => !isOpen(site))
          .map(({ url }) => takenBack(new URL(url).host, grant.displayName)),
      };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VendorError)) throw error;
      if (error.code === 'disconnected') return { open: [], lost: ofEach(grant, error) };
      // Nobody can tell now: each site says so by itself, if it is so.
      const ids = grant.sites.map((site) => site.id);
      opened.set(grant.id, { at: now() - believedForMs + askAgainAfterMs, ids });
      return { open: grant.sites.map((site) => siteOf(grant, site)), lost: [] };
    }
  }

  return {
    known: () => grants.flatMap((grant) => grant.sites.map((site) => siteOf(grant, site))),
    async all(signal) {
      const stored = (await connections.list(grantKind)).filter((each) => readGrant(each).sites.length > 0);
      grants = stored.map(readGrant);
      const entered = await Promise.all(
        stored.map((each) =>
          each.lost === null
            ? enter(readGrant(each), signal)
            : { open: [], lost: ofEach(readGrant(each), lostBecause(each)) },
        ),
      );
      lost = entered.flatMap((each) => each.lost);
      const open = entered.flatMap((each) => each.open);
      if (open.length === 0)
        throw lost[0] ?? notLetIn('Nobody has let the agent into Jira yet. `shipmate connect jira` shows the way.');
      return open;
    },
    lost: async () => lost,
  };
}

function ofEach({ sites }: Grant, error: VendorError): VendorError[] {
  return sites.map(({ url }) => ofSite(error, new URL(url).host));
}

function takenBack(host: string, displayName: string): VendorError {
  return disconnected(
    host,
    `Jira (${host}) does not let the agent in any more: what "${displayName}" consented to there was taken back, or the account has no access to the site now. \`shipmate connect jira\` shows the way. What waits goes on by itself then.`,
  );
}
