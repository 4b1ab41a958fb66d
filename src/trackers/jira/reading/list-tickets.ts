import { z } from 'zod';
import type { TicketHint, TicketQuery } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { TicketPage } from '../../tracker.ts';
import type { Desks } from '../desks.ts';
import { JiraError, ofSite } from '../errors.ts';
import { hintFieldIds, hintOf } from '../hint.ts';
import { allOf, anyOf, quote } from '../jql.ts';
import { type Own, personOf } from '../people.ts';
import type { Site } from '../sites.ts';
import { categoryOf } from '../states.ts';
import { belongingFields, isAgents, isCalledOn } from './is-asked.ts';
import { commentList, type Issue, readIssueNode } from './issue.ts';

const pageSize = 50;
const commentsLookedAt = 50;
/** Who was called by a word less than so long ago is found where no webhook told of it; later the session knows. */
const calledWithin = '-24h';
/** Jira counts in minutes, and its clock is not ours. */
const minuteMs = 60_000;

/** Up to where a list was read: on one site after the other, and there as Jira itself remembers. */
const place = z.object({ site: z.string(), jql: z.string(), token: z.string().nullable() });
type Place = z.output<typeof place>;

/** One site after the other, in the order of their hosts, the tickets of each oldest first. */
export async function listTickets(
  desks: Desks,
  query: TicketQuery,
  cursor: string | null,
  signal: AbortSignal,
  closed: readonly VendorError[] = [],
): Promise<TicketPage> {
  signal.throwIfAborted();
  if (query.categories?.length === 0) return { tickets: [], next: null };
  const hosts = (await desks.sites.all(signal)).toSorted((a, b) => (a.host < b.host ? -1 : 1));
  const lost = cursor === null ? ((await desks.sites.lost?.()) ?? []) : [];
  const waiting = closed.filter(({ account }) => hosts.some(({ host }) => host === account));
  const all = hosts.filter(({ host }) => !waiting.some(({ account }) => account === host));
  if (all.length === 0 && waiting[0]) throw waiting[0];
  const passedOver = [...lost, ...waiting];
  const page = (tickets: TicketHint[], next: Place | null): TicketPage => ({
    ...{ tickets, next: next && JSON.stringify(next) },
    ...(passedOver.length > 0 && { passedOver }),
  });
  let away = waiting.length;
  const from = cursor === null ? null : place.parse(JSON.parse(cursor));
  for (const [index, site] of all.entries()) {
    if (from && site.host < from.site) continue;
    const here = from?.site === site.host ? from : null;
    const listed = await listOf(desks, site, query, here, signal).catch((error: unknown) => {
      const why = awayOf(error, site.host);
      away++;
      if (!why || away === hosts.length) throw error;
      passedOver.push(why);
      return { tickets: [], next: null };
    });
    if (listed.next) return page(listed.tickets, listed.next);
    const after = all[index + 1];
    const next: Place | null = after ? { site: after.host, jql: '', token: null } : null;
    if (listed.tickets.length > 0 || !next) return page(listed.tickets, next);
  }
  return page([], null);
}

/**
 * The others' tickets are not held up by a site that does not answer, that people have to connect again, or that we have asked too
 * often; null: it was something else.
 */
function awayOf(error: unknown, host: string): VendorError | null {
  const away = ['unavailable', 'disconnected', 'rate_limited'];
  return error instanceof VendorError && away.includes(error.code) ? ofSite(error, host) : null;
}

interface Listed {
  tickets: TicketHint[];
  next: Place | null;
}

/** Not every site has the status, or knows what the configured JQL speaks of: what is given otherwise is listed all the same. */
async function listOf(
  desks: Desks,
  site: Site,
  query: TicketQuery,
  from: Place | null,
  signal: AbortSignal,
): Promise<Listed> {
  const { status, jql } = desks;
  const ways = query.assignee === 'agent' ? [jql !== null && { jql: null }, status !== null && { status: null }] : [];
  const without = ways.filter((each) => each !== false);
  const both = without.length === 2 ? [{ jql: null, status: null }] : [];
  const isRefused = (error: unknown) => error instanceof JiraError && error.code === 'invalid' && error.status === 400;
  let listed = ask(desks, site, query, from, signal);
  for (const less of [...without, ...both])
    listed = listed.catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      return ask({ ...desks, ...less }, site, query, from, signal);
    });
  return listed;
}

async function ask(
  desks: Desks,
  site: Site,
  query: TicketQuery,
  from: Place | null,
  signal: AbortSignal,
): Promise<Listed> {
  const isFirst = from === null || from.token === null;
  // A token goes with its question, word for word.
  const jql = isFirst ? await jqlOf(desks, site, query, signal) : from.jql;
  if (jql === null) return { tickets: [], next: null };
  const own = await site.own(signal);
  const found = await site.client
    .on(signal)
    .issueSearch.searchAndReconsileIssuesUsingJqlPost({
      jql,
      fields: [...hintFieldIds, ...belongingFields, 'resolution', 'created', 'updated'],
      maxResults: pageSize,
      ...(!isFirst && { nextPageToken: from.token ?? '' }),
      reconcileIssues: site.touched(),
    })
    .catch((error: unknown) => {
      throw !isFirst && error instanceof JiraError && error.status === 400 ? outOfDate(error) : error;
    });
  const tickets: TicketHint[] = [];
  for (const each of found.issues ?? []) {
    const issue = readIssueNode(each);
    if (issue && (await fits(desks, site, query, issue, own, signal))) tickets.push(hintOf(site, issue));
  }
  const token = found.nextPageToken ?? null;
  return { tickets, next: token === null ? null : { site: site.host, jql, token } };
}

function outOfDate(error: JiraError): JiraError {
  return new JiraError('A list of tickets has grown too old in Jira while it was read. It is read again.', {
    ...{ code: 'unavailable', retryable: true, status: 400, cause: error },
  });
}

/** null: nothing on this site can fit. */
async function jqlOf(desks: Desks, site: Site, query: TicketQuery, signal: AbortSignal): Promise<string | null> {
  const { assignee, categories, labels = [], team, project, spokenSince } = query;
  const all: string[] = ['statusCategory != 3'];
  const isAll = (...among: string[]) => categories?.every((each) => among.includes(each));
  if (isAll('backlog', 'unstarted')) all.push('statusCategory != 4');
  if (isAll('started', 'review')) all.push('statusCategory = 4');
  if (assignee === 'agent') all.push(anyOf(waysOf(desks)));
  if (assignee === 'nobody') {
    all.push('assignee is EMPTY');
    if (desks.label !== null) all.push(`(labels is EMPTY OR labels != ${quote(desks.label)})`);
  }
  // Labels in Jira have no spaces; as they are written when a ticket is filed.
  for (const label of labels) all.push(`labels = ${quote(label.replaceAll(/\s+/g, '-'))}`);
  for (const named of [team, project]) {
    if (named === undefined) continue;
    // Jira takes no query about a project that it does not have, or not for us.
    const found = await site.projectsCalled(named, signal);
    if (found.length === 0) return null;
    all.push(anyOf(found.map(({ id }) => `project = ${id}`)));
  }
  if (spokenSince !== undefined) {
    const minutes = Math.ceil((desks.now() - Date.parse(spokenSince)) / minuteMs) + 1;
    all.push(`updated >= -${Math.max(1, minutes)}m`);
  }
  return `${allOf(all)} ORDER BY created ASC, key ASC`;
}

/** How an issue comes to be the agent's. Who is mentioned is found by the account. */
function waysOf({ label, status, jql }: Desks): string[] {
  return [
    'assignee = currentUser()',
    ...(label === null ? [] : [`labels = ${quote(label)}`]),
    ...(status === null ? [] : [`status = ${quote(status)}`]),
    ...(jql === null ? [] : [`(${jql})`]),
    `((comment ~ currentUser() OR description ~ currentUser()) AND updated >= ${calledWithin})`,
  ];
}

/** What Jira cannot be asked for, or has not indexed yet. */
async function fits(
  desks: Desks,
  site: Site,
  { assignee, categories, spokenSince }: TicketQuery,
  issue: Issue,
  own: Own,
  signal: AbortSignal,
): Promise<boolean> {
  const { status, resolution } = issue.fields;
  const category = categoryOf(status, desks.states, resolution);
  if (categories && !categories.some((each) => each === category)) return false;
  if (assignee === 'nobody' && (issue.fields.assignee || isAgents(desks, issue, own))) return false;
  if (assignee === 'agent' && !isAgents(desks, issue, own) && !(await isGiven(desks, site, issue, signal)))
    return false;
  return spokenSince === undefined || isSpokenOn(site, issue, spokenSince, own, signal);
}

/** By the configured JQL, or by a word. */
async function isGiven(desks: Desks, site: Site, issue: Issue, signal: AbortSignal): Promise<boolean> {
  if (desks.jql !== null) {
    const asked = { jqls: [desks.jql], issueIds: [Number(issue.id)] };
    const { matches = [] } = await site.client.on(signal).issueSearch.matchIssues(asked);
    if (matches.some(({ matchedIssues }) => (matchedIssues ?? []).length > 0)) return true;
  }
  return site.whileUnchanged('called', whenOf(issue), () => isCalledOn(desks, site, issue.id, signal));
}

async function isSpokenOn(site: Site, issue: Issue, since: string, own: Own, signal: AbortSignal): Promise<boolean> {
  const spokenAt = await site.whileUnchanged('spoken', whenOf(issue), async () => {
    const asked = { issueIdOrKey: issue.id, maxResults: commentsLookedAt, orderBy: '-created' as const };
    const { comments } = await site.client.on(signal).issueComments.getComments(asked);
    const ofPeople = commentList.parse(comments).filter(({ author }) => !personOf(author, own).isBot);
    return Math.max(0, ...ofPeople.map(({ created }) => Date.parse(created) || 0));
  });
  return spokenAt > Date.parse(since);
}

function whenOf({ id, fields }: Issue) {
  return { id, updated: fields.updated };
}
