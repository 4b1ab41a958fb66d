import { z } from 'zod';
import type { TicketHint, TicketQuery } from '../../../core/ticket.ts';
import { ofAccount, VendorError } from '../../../core/vendor-error.ts';
import type { TicketPage } from '../../tracker.ts';
import type { LinearClient } from '../client.ts';
import type { LinearTokens, Workspace } from '../connecting/tokens.ts';
import { type HintNode, hintFields, hintOf } from '../hint.ts';
import { categoryOf, finishedTypes, type TeamState } from '../states.ts';
import type { WorkspaceCache } from '../workspace-cache.ts';

export const pageSize = 50;

export const listDocument = `query ListTickets($filter: IssueFilter!, $first: Int!) {
  issues(filter: $filter, first: $first, sort: [{ createdAt: { order: Ascending } }]) {
    nodes { ...HintFields createdAt state { id name type } }
    pageInfo { hasNextPage }
  }
}
${hintFields}`;

interface Answer {
  issues: {
    nodes: (HintNode & { createdAt: string; state: Pick<TeamState, 'id' | 'name' | 'type'> })[];
    pageInfo: { hasNextPage: boolean };
  };
}

/** Up to where a list was read, told by what never changes of a ticket: when it was filed. */
const place = z.object({
  workspace: z.string(),
  /** The time of the last one that was given; null: none of this workspace was. */
  at: z.string().nullable(),
  /** All of that very time that were given. */
  given: z.array(z.string()),
});
type Place = z.infer<typeof place>;

/** One workspace after the other, in the order of their ids, the tickets of each oldest first. */
export async function listTickets(
  { client, tokens, cache }: { client: LinearClient; tokens: LinearTokens; cache: WorkspaceCache },
  query: TicketQuery,
  cursor: string | null,
  signal: AbortSignal,
): Promise<TicketPage> {
  signal.throwIfAborted();
  if (query.categories?.length === 0) return { tickets: [], next: null };
  const all = (await tokens.workspaces(signal)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const passedOver = (cursor === null && (await tokens.lost?.())) || [];
  const page = (tickets: TicketHint[], next: Place | null): TicketPage => ({
    ...{ tickets, next: next && JSON.stringify(next) },
    ...(passedOver.length > 0 && { passedOver }),
  });
  let from = cursor === null ? null : readPlace(cursor);
  for (const [index, workspace] of all.entries()) {
    if (from && workspace.id < from.workspace) continue;
    const here = from?.workspace === workspace.id ? from : null;
    from = null;
    const listed = await listOf({ client, cache }, workspace, query, here, signal).catch((error: unknown) => {
      const why = all.length > 1 ? closedOf(error, workspace.id) : null;
      if (!why) throw error;
      passedOver.push(why);
      return { tickets: [], next: null };
    });
    if (listed.next) return page(listed.tickets, listed.next);
    const after = all[index + 1];
    const next: Place | null = after ? { workspace: after.id, at: null, given: [] } : null;
    if (listed.tickets.length > 0 || !next) return page(listed.tickets, next);
  }
  return page([], null);
}

/**
 * The others' tickets are not held up by a workspace that people have to connect again, or that we have asked too often; null:
 * it was something else.
 */
function closedOf(error: unknown, account: string): VendorError | null {
  const isClosed = error instanceof VendorError && ['disconnected', 'rate_limited'].includes(error.code);
  return isClosed ? ofAccount(error, account) : null;
}

function readPlace(cursor: string): Place {
  return place.parse(JSON.parse(cursor));
}

async function listOf(
  { client, cache }: { client: LinearClient; cache: WorkspaceCache },
  workspace: Workspace,
  query: TicketQuery,
  from: Place | null,
  signal: AbortSignal,
): Promise<{ tickets: TicketHint[]; next: Place | null }> {
  const filter = filterOf(query, workspace, from);
  const { issues } = await client.request<Answer>(workspace.id, listDocument, { filter, first: pageSize }, signal);
  const { categories } = query;
  const fits = async ({ state, team }: (typeof issues.nodes)[number]) => {
    // Which of the started states are for review only their team can tell, so what Linear lists are all of them.
    if (!categories || state.type !== 'started') return true;
    const states = await cache.states(workspace.id, team.id, signal);
    const category = categoryOf(states.find(({ id }) => id === state.id) ?? state);
    return categories.some((each) => each === category);
  };
  const tickets: TicketHint[] = [];
  for (const node of issues.nodes) if (await fits(node)) tickets.push(hintOf(workspace.id, node));
  const last = issues.nodes.at(-1);
  if (!last || !issues.pageInfo.hasNextPage) return { tickets, next: null };
  const given = issues.nodes.filter(({ createdAt }) => createdAt === last.createdAt).map(({ id }) => id);
  const before = from?.at === last.createdAt ? from.given : [];
  return { tickets, next: { workspace: workspace.id, at: last.createdAt, given: [...before, ...given] } };
}

type Filter = Record<string, unknown>;

function filterOf(query: TicketQuery, { appUserId }: Workspace, from: Place | null): Filter {
  const { assignee, categories, labels = [], team, project, spokenSince } = query;
  const all: Filter[] = [{ state: { type: { nin: finishedTypes } } }];
  if (from?.at) {
    all.push({ createdAt: { gte: from.at } });
    all.push({ id: { nin: from.given } });
  }
  if (assignee === 'agent') all.push({ delegate: { id: { eq: appUserId } } });
  if (assignee === 'nobody') all.push({ assignee: { null: true } }, { delegate: { null: true } });
  if (categories) all.push({ or: categories.map((category) => ({ state: states[category] })) });
  for (const name of labels) all.push({ labels: { some: { name: { eq: name } } } });
  if (team !== undefined) all.push({ team: { or: [{ name: { eq: team } }, { key: { eq: team } }] } });
  if (project !== undefined) all.push({ project: { name: { eq: project } } });
  if (spokenSince !== undefined)
    all.push({ comments: { some: { createdAt: { gt: spokenSince }, user: { app: { eq: false } } } } });
  return { and: all };
}

/** As `categoryOf` tells them, as far as a filter can. */
const states: Record<NonNullable<TicketQuery['categories']>[number], Filter> = {
  backlog: { type: { nin: ['unstarted', 'started', ...finishedTypes] } },
  unstarted: { type: { eq: 'unstarted' } },
  started: { type: { eq: 'started' } },
  review: { type: { eq: 'started' } },
};
