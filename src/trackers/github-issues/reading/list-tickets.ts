import { z } from 'zod';
import type { TicketHint, TicketQuery } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { TicketPage } from '../../tracker.ts';
import type { Api, Issue } from '../api.ts';
import { accountOf, hintOf, shortName } from '../hint.ts';
import { isOwn } from '../people.ts';
import { closedOf, type KnownRepository } from '../repositories.ts';
import { categoryOf, hasLabel, isSame, labelFor } from '../states.ts';
import { authorshipOf, type Desks } from '../writing/place.ts';
import { isAgents } from '../writing/take-ticket.ts';
import { isRequestCalled, listCalled } from './is-asked.ts';
import { isNobodys, isOpenIssue } from './read-ticket.ts';

/** Up to where a list was read: one repository after the other, and of each one way of asking after the other. */
const place = z.object({
  repository: z.number(),
  way: z.number(),
  page: z.number(),
  /** When the last one that was given was made; '': none was. What was moved here from elsewhere is older than its number. */
  at: z.string(),
  /** The numbers of all of that very time that were given. */
  given: z.array(z.number()),
});
type Place = z.output<typeof place>;

interface Listing extends Desks {
  /** How many issues are asked for at once. */
  pageSize: number;
}

type Filter = Record<string, string>;

interface Page {
  issues: Issue[];
  next: Place | null;
}

/**
 * What GitHub can filter by it is asked to; the rest is looked at here. What has not changed since it was asked last costs
 * nothing, so a page is asked for again to see what went from before it.
 */
export async function listTickets(
  listing: Listing,
  query: TicketQuery,
  cursor: string | null,
  signal: AbortSignal,
): Promise<TicketPage> {
  signal.throwIfAborted();
  if (query.categories?.length === 0) return { tickets: [], next: null };
  const all = await listing.repositories.all(signal);
  const passedOver = cursor === null ? [...listing.repositories.away()] : [];
  const page = (tickets: TicketHint[], next: Place | null): TicketPage => ({
    tickets,
    next: next && JSON.stringify(next),
    ...(passedOver.length > 0 && { passedOver }),
  });
  /** What of an owner who is closed now is passed over, where there are others. */
  const orPassed = async <T>({ fullName }: KnownRepository, none: T, work: () => Promise<T>): Promise<T> => {
    const account = accountOf(fullName);
    if (passedOver.some((each) => each.account === account)) return none;
    return work().catch((error: unknown) => {
      const why = all.some((each) => accountOf(each.fullName) !== account) ? closedOf(error, fullName) : null;
      if (!why) throw error;
      passedOver.push(why);
      return none;
    });
  };
  const homes = all.filter(({ fullName }) => isOfTeam(fullName, query.team));
  if (query.spokenSince !== undefined) {
    const since = query.spokenSince;
    const tickets: TicketHint[] = [];
    for (const home of homes)
      tickets.push(...(await orPassed(home, [], () => listSpoken(listing, home, query, since, signal))));
    return page(tickets, null);
  }
  const ways = await waysOf(listing, query, signal);
  const fits = fitting(query);
  const isWhose = await belonging(listing, query, signal);
  const from = cursor === null ? null : place.parse(JSON.parse(cursor));
  const steps = homes.flatMap((home) => [
    ...ways.map((filter, way) => ({ home, filter, way })),
    ...(query.assignee === 'agent' ? [{ home, filter: null, way: ways.length }] : []),
  ]);
  const start = from ? steps.findIndex(({ home, way }) => home.id === from.repository && way === from.way) : 0;
  if (start === -1)
    throw new VendorError('A repository has gone while its issues were listed. They are listed again.', {
      code: 'unavailable',
      retryable: true,
    });
  for (const [index, { home, filter, way }] of steps.entries()) {
    if (index < start) continue;
    const here = from && index === start ? from : { repository: home.id, way, page: 1, at: '', given: [] };
    const nothing = { issues: [], next: null };
    const listed = await orPassed<Page>(home, nothing, async () =>
      filter === null
        ? { issues: await listCalled(listing, home, signal), next: null }
        : listPage(listing, home, filter, here, signal),
    );
    // An earlier way of asking has found these.
    const seen = (issue: Issue) => ways.slice(0, way).some((earlier) => answers(earlier, issue));
    const tickets = listed.issues
      .filter((issue) => (filter === null || (isOpenIssue(issue) && isWhose(issue))) && fits(issue) && !seen(issue))
      .map((issue) => hintOf(home, issue));
    if (listed.next) return page(tickets, listed.next);
    const after = steps[index + 1];
    const next: Place | null = after ? { repository: after.home.id, way: after.way, page: 1, at: '', given: [] } : null;
    if (tickets.length > 0 || !next) return page(tickets, next);
  }
  return page([], null);
}

/** Those after the last one that was given. What was closed meanwhile lets others move up, onto pages that were read. */
async function listPage(
  { api, pageSize }: Listing,
  home: KnownRepository,
  filter: Filter,
  from: Place,
  signal: AbortSignal,
): Promise<Page> {
  let page = Math.max(1, from.page - 1);
  let read = await readPage(api, home, filter, pageSize, page, signal);
  const isAfter = ({ created_at: at, number }: Issue) =>
    at > from.at || (at === from.at && !from.given.includes(number));
  while (page > 1 && (!read.issues[0] || isAfter(read.issues[0]))) {
    page -= 1;
    read = await readPage(api, home, filter, pageSize, page, signal);
  }
  const issues: Issue[] = [];
  for (;;) {
    issues.push(...read.issues.filter(isAfter));
    if (!read.areMore || issues.length >= pageSize) break;
    page += 1;
    read = await readPage(api, home, filter, pageSize, page, signal);
  }
  const given = issues.slice(0, pageSize);
  const last = given.at(-1);
  const isEnd = !last || (issues.length <= pageSize && !read.areMore);
  if (isEnd) return { issues: given, next: null };
  const at = last.created_at;
  const ofThatTime = given.filter((issue) => issue.created_at === at).map(({ number }) => number);
  const before = at === from.at ? from.given : [];
  return { issues: given, next: { ...from, page: page + 1, at, given: [...before, ...ofThatTime] } };
}

async function readPage(
  api: Api,
  home: KnownRepository,
  filter: Filter,
  size: number,
  page: number,
  signal: AbortSignal,
): Promise<{ issues: Issue[]; areMore: boolean }> {
  const query = { state: 'open', sort: 'created', direction: 'asc', per_page: size, page, ...filter };
  return api.issues(home.fullName, query, signal);
}

/** An issue is the agent's by its label, or as one who is assigned: GitHub cannot be asked for either at once. */
async function waysOf({ label, own }: Desks, query: TicketQuery, signal: AbortSignal): Promise<Filter[]> {
  const { assignee, labels = [], categories = [] } = query;
  const [only] = categories;
  const standing = only !== undefined && categories.length === 1 ? labelFor(only) : null;
  const wanted = [...labels, ...(standing === null ? [] : [standing])];
  const filter = (...more: string[]): Filter => {
    const all = [...wanted, ...more].filter((name) => !name.includes(','));
    return all.length > 0 ? { labels: all.join(',') } : {};
  };
  if (assignee === 'nobody') return [{ ...filter(), assignee: 'none' }];
  if (assignee !== 'agent') return [filter()];
  const { login, mayBeAssigned } = await own(signal);
  return [filter(label), ...(mayBeAssigned ? [{ ...filter(), assignee: login }] : [])];
}

function answers({ labels, assignee }: Filter, issue: Issue): boolean {
  const isAssigned = assignee === undefined || (issue.assignees ?? []).some(({ login }) => isSame(login, assignee));
  return isAssigned && (labels ?? '').split(',').every((name) => name === '' || hasLabel(issue, name));
}

async function belonging({ label, own }: Desks, { assignee }: TicketQuery, signal: AbortSignal) {
  const account = await own(signal);
  return (issue: Issue): boolean =>
    (assignee !== 'agent' || isAgents(issue, label, account)) && (assignee !== 'nobody' || isNobodys(issue, label));
}

function fitting({ categories, labels = [], project }: TicketQuery) {
  return (issue: Issue): boolean =>
    (!categories || categories.some((category) => category === categoryOf(issue))) &&
    labels.every((name) => hasLabel(issue, name)) &&
    (project === undefined || (issue.milestone != null && isSame(issue.milestone.title, project)));
}

function isOfTeam(fullName: string, team: string | undefined): boolean {
  return team === undefined || isSame(fullName, team) || isSame(shortName(fullName), team);
}

/** By the comments of a repository, all of which one request tells; what is said on lines of a pull request is asked of that. */
async function listSpoken(
  listing: Listing,
  home: KnownRepository,
  query: TicketQuery,
  since: string,
  signal: AbortSignal,
): Promise<TicketHint[]> {
  const { api, own } = listing;
  const account = await own(signal);
  const comments = await api.newestComments(home.fullName, since, signal);
  const spoken = new Set(
    comments
      .filter(({ user }) => user?.type !== 'Bot')
      .filter((comment) => !isOwn(comment.user, account, authorshipOf(comment)))
      .map(({ issue_url }) => Number(issue_url.split('/').at(-1))),
  );
  const [fits, isWhose] = [fitting(query), await belonging(listing, query, signal)];
  const found: Issue[] = [];
  for (const issue of await api.newestIssues(home.fullName, since, signal)) {
    const isSpoken = issue.pull_request
      ? await isRequestCalled(listing, home, issue, signal)
      : spoken.has(issue.number) && isWhose(issue);
    if (isSpoken && fits(issue)) found.push(issue);
  }
  found.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  return found.map((issue) => hintOf(home, issue));
}
