import { rankByWords } from '../rank-words.ts';
import { type PageArgs, page } from './paging.ts';
import { invalidInput } from './refusal.ts';
import type { Context } from './resolving.ts';
import type { Workspace } from './workspace.ts';

/** Ranked by relevance; how Linear reads a term beside its words is not known, so quotes and signs are a fault of the caller's. */
export function searchIssues(_: unknown, { term, ...args }: PageArgs & { term: string }, context: Context) {
  if (term.trim() === '') throw invalidInput('term should not be empty');
  if (/[^\p{L}\p{M}\p{N}_ ]/u.test(term)) throw new Error(`The stand-in takes nothing but words: ${term}`);
  const seen = [...context.tables.Issue.values()].filter(({ teamId }) => !context.workspace.closedTeams.has(teamId));
  const { nodes } = page(seen, { ...args, first: 250 }, context);
  const all = rankByWords(term.split(' '), nodes, ({ title, description }) => ({ title, text: description }));
  const found = all.slice(0, args.first ?? 50).map(({ row }) => row);
  return {
    nodes: found,
    edges: found.map((node) => ({ node, cursor: node.id })),
    totalCount: all.length,
    pageInfo: { hasNextPage: all.length > found.length, hasPreviousPage: false },
  };
}

const minuteMs = 60_000;

/** The searches of each workspace in a minute, apart from all else that it may ask. What is told where there is no room; else null. */
export function createSearchLimit(now: () => number, perMinute: number) {
  const used = new Map<Workspace, { count: number; resetAt: number }>();
  return (workspace: Workspace): Record<string, string> | null => {
    const known = used.get(workspace);
    const mine = known && known.resetAt > now() ? known : { count: 0, resetAt: now() + minuteMs };
    used.set(workspace, mine);
    mine.count += 1;
    if (mine.count <= perMinute) return null;
    return {
      'x-ratelimit-endpoint-requests-limit': String(perMinute),
      'x-ratelimit-endpoint-requests-remaining': '0',
      'x-ratelimit-endpoint-requests-reset': String(mine.resetAt),
      'x-ratelimit-endpoint-name': 'searchIssues',
    };
  };
}
