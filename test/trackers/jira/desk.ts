import type { TicketQuery } from '../../../src/core/ticket.ts';
import { createJiraClient } from '../../../src/trackers/jira/client.ts';
import type { Desks } from '../../../src/trackers/jira/desks.ts';
import { listTickets } from '../../../src/trackers/jira/reading/list-tickets.ts';
import { createSite } from '../../../src/trackers/jira/sites.ts';
import type { Jira } from '../../stand-ins/jira/server.ts';

type StandInSite = Jira['site'];
type User = StandInSite['users'][number];

export const anySignal = () => AbortSignal.timeout(20_000);

/** A client that is this user, by a token without scopes at the site itself. */
export function clientOf(jira: Jira, user: User, site = jira.site) {
  const apiToken = jira.oauth.addApiToken(site, user).value;
  const auth = { type: 'basic', email: user.emailAddress, apiToken } as const;
  return createJiraClient({ site: { url: site.url, cloudId: null }, auth, now: () => jira.clock.now() });
}

/** What reading goes by, with an account of the agent's on each of the sites. */
export function openDesks(jira: Jira, members: readonly { site: StandInSite; user: User }[]): Desks {
  const sites = members.map(({ site, user }) => createSite(clientOf(jira, user, site), () => jira.clock.now()));
  return {
    sites: { all: async () => sites, known: () => sites },
    agent: 'shipmate',
    label: 'shipmate',
    status: null,
    jql: null,
    states: { review: null },
    now: () => jira.clock.now(),
  };
}

export function hintFor(id: string) {
  return { id, identifier: id, ref: null };
}

/** The titles of all pages, and what was passed over on any. */
export async function listAll(query: TicketQuery, of: Desks) {
  const found: string[] = [];
  const passedOver: unknown[] = [];
  let cursor: string | null = null;
  do {
    const page = await listTickets(of, query, cursor, anySignal());
    found.push(...page.tickets.map(({ title }) => title));
    passedOver.push(...(page.passedOver ?? []));
    cursor = page.next;
  } while (cursor !== null);
  return { found, passedOver };
}
