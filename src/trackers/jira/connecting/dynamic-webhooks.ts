import { z } from 'zod';
import type { Check } from '../../../core/check.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { Connections } from '../../connections.ts';
import { JiraError } from '../errors.ts';
import type { Site, Sites } from '../sites.ts';

/** What is kept of the webhooks that the app has registered on a site, by its host. */
const webhookKind = 'jira-webhooks';

/** All that means something to the agent. */
const webhookEvents = ['jira:issue_created', 'jira:issue_updated', 'jira:issue_deleted', 'comment_created'] as const;

const dayMs = 86_400_000;
/** Of the thirty that Jira keeps one for: so much is left for days on which nobody renews them. */
const renewedBeforeMs = 20 * dayMs;
/** A connection is changed within so long. */
const withinMs = 25_000;
const pageSize = 100;

const registered = z.object({ ids: z.array(z.number()), until: z.string().nullable() });

interface Webhook {
  id: number;
  url: string;
  events: readonly string[];
  jqlFilter: string;
  until: number;
}

interface Keeping {
  sites: Sites;
  /** Where they are to lead; null: there are to be none. */
  url: string | null;
  connections: Connections;
  now?: (() => number) | undefined;
}

/**
 * Sees that on each site that lets the app in there are the webhooks that lead to `url`, once, and that none of them ends; those
 * that led elsewhere are deleted. `url` null: there are to be none. One site that cannot be asked keeps no other from it; then the
 * first error is thrown, a `VendorError`.
 */
export async function keepWebhooks(
  { sites, url, connections, now = Date.now }: Keeping,
  signal: AbortSignal,
): Promise<void> {
  const failures: unknown[] = [];
  for (const site of await openOnes(sites, signal))
    await connections
      .update(webhookKind, site.host, async (current) => {
        const ours = registered.safeParse(current?.about).data ?? { ids: [], until: null };
        const until = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
        const about = await keepOn(site, url, ours.ids, now(), until);
        return JSON.stringify(about) === JSON.stringify(ours) ? null : { about, sealed: null, lost: null };
      })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        failures.push(error);
      });
  if (failures.length > 0) throw failures[0];
}

/** Where nobody lets us in there is nothing to see to; who looks for sites is told why. */
async function openOnes(sites: Sites, signal: AbortSignal): Promise<readonly Site[]> {
  try {
    return await sites.all(signal);
  } catch (error) {
    if (error instanceof VendorError && error.code === 'disconnected') return [];
    throw error;
  }
}

/** Sites that are open and have none, or had some. Never throws. */
export async function checkWebhooks({ sites, url, connections, now = Date.now }: Keeping): Promise<Check[]> {
  if (url === null) return [];
  const stored = await connections.list(webhookKind).catch(() => null);
  if (stored === null) return []; // nobody can tell now
  const kept = new Map(stored.map(({ id, about }) => [id, registered.safeParse(about).data]));
  const lost = (await sites.lost?.()) ?? [];
  const open = sites.known().filter(({ host }) => !lost.some(({ account }) => account === host));
  return open.flatMap(({ host }): Check[] => {
    const { ids = [], until = null } = kept.get(host) ?? {};
    if (ids.length > 0 && until !== null && Date.parse(until) > now()) return [];
    return [
      {
        name: `tracker jira, site ${host}`,
        status: 'warning',
        message: `its webhooks ${ids.length > 0 ? 'have ended' : 'are not registered yet'}: what happens there is looked up every few minutes`,
        remedy: 'The service registers them when it starts, and every hour; its log says why it could not.',
      },
    ];
  });
}

/** The new ones are there before those go that they replace: what is told twice means the same. */
async function keepOn(
  site: Site,
  url: string | null,
  ours: readonly number[],
  now: number,
  signal: AbortSignal,
): Promise<z.output<typeof registered>> {
  const { webhooks } = site.client.on(signal);
  const there = await listWebhooks(site, signal);
  const filters = url === null ? [] : await filtersFor(site, signal);
  const kept = filters.map((filter) => there.find((each) => isFor(each, url, filter)));
  const missing = filters.filter((_, index) => kept[index] === undefined);
  const good = kept.filter((each) => each !== undefined);
  const created = url === null || missing.length === 0 ? [] : await register(site, url, missing, signal);
  const spent = there.filter((each) => !good.includes(each) && (each.url === url || ours.includes(each.id)));
  if (spent.length > 0) await webhooks.deleteWebhookById({ webhookIds: spent.map(({ id }) => id) });
  const ending = good.filter(({ until }) => until < now + renewedBeforeMs).map(({ id }) => id);
  if (ending.length > 0) await webhooks.refreshWebhooks({ webhookIds: ending });
  const all = created.length + ending.length === 0 ? good : await listWebhooks(site, signal);
  const ids = [...good.map(({ id }) => id), ...created].sort((a, b) => a - b);
  const ends = all.filter(({ id }) => ids.includes(id)).map(({ until }) => until);
  return { ids, until: ends.length === 0 ? null : new Date(Math.min(...ends)).toISOString() };
}

/**
 * Jira asks for a filter, and takes none that says "all": one project, the oldest, and all others say it together, and stay the
 * same when there are more of them.
 */
async function filtersFor(site: Site, signal: AbortSignal): Promise<string[]> {
  const [oldest] = (await site.projects(signal)).toSorted((a, b) => Number(a.id) - Number(b.id));
  return oldest ? [`project = ${oldest.id}`, `project != ${oldest.id}`] : [];
}

function isFor({ url, events, jqlFilter }: Webhook, wantedUrl: string | null, filter: string): boolean {
  const isSame = events.length === webhookEvents.length && webhookEvents.every((event) => events.includes(event));
  return url === wantedUrl && jqlFilter === filter && isSame;
}

async function listWebhooks(site: Site, signal: AbortSignal): Promise<Webhook[]> {
  const all: Webhook[] = [];
  for (;;) {
    const asked = { startAt: all.length, maxResults: pageSize };
    const { values = [], isLast } = await site.client.on(signal).webhooks.getDynamicWebhooksForApp(asked);
    for (const { id, url, events, jqlFilter, expirationDate } of values)
      all.push({ id, url, events, jqlFilter, until: new Date(expirationDate ?? 0).getTime() });
    if (isLast !== false || values.length === 0) return all;
  }
}

async function register(site: Site, url: string, filters: readonly string[], signal: AbortSignal): Promise<number[]> {
  const wanted = filters.map((jqlFilter) => ({ events: [...webhookEvents], jqlFilter }));
  const { webhookRegistrationResult = [] } = await site.client
    .on(signal)
    .webhooks.registerDynamicWebhooks({ url, webhooks: wanted });
  const refused = webhookRegistrationResult.flatMap(({ errors = [] }) => errors);
  if (refused.length > 0)
    throw new JiraError(`Jira (${site.host}) does not take the agent's webhooks: ${refused.join(' ')}`, {
      ...{ code: 'invalid', retryable: false, status: 200 },
    });
  return webhookRegistrationResult.flatMap(({ createdWebhookId }) => createdWebhookId ?? []);
}
