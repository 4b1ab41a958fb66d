import { searchWords } from '../../../core/search-words.ts';
import type { TeamPlace, TicketMatch } from '../../../core/ticket.ts';
import { askEach, inTurn } from '../../ask-each.ts';
import type { LinearClient } from '../client.ts';
import type { LinearTokens } from '../connecting/tokens.ts';
import { unfoldFromLinear } from '../folds.ts';
import { type HintNode, hintOf, hintSelection } from '../hint.ts';
import { categoryOf, type TeamState } from '../states.ts';
import type { WorkspaceCache } from '../workspace-cache.ts';

/** Linear allows thirty in a minute. What is over is archived by Linear after a while, and found all the same. */
export const searchDocument = `query SearchTickets($term: String!, $first: Int!) {
  searchIssues(term: $term, first: $first, includeArchived: true) {
    nodes { ${hintSelection} description updatedAt trashed state { name type } }
  }
}`;

interface Answer {
  searchIssues: {
    nodes: (HintNode & {
      description: string | null;
      updatedAt: string;
      trashed: boolean | null;
      state: Pick<TeamState, 'name' | 'type'>;
    })[];
  };
}

interface Searching {
  client: LinearClient;
  tokens: LinearTokens;
  cache: WorkspaceCache;
}

const mostAtOnce = 50;

/** Ranked by Linear, each workspace by itself. Of a state for review its name tells, and not what its team says of it: that would be asked of every team. */
export async function searchTickets(
  { client, tokens }: Searching,
  words: string,
  limit: number,
  signal: AbortSignal,
): Promise<TicketMatch[]> {
  signal.throwIfAborted();
  const term = searchWords(words).join(' ');
  if (term === '' || limit < 1) return [];
  const found = await askEach(await tokens.workspaces(signal), async ({ id }): Promise<TicketMatch[]> => {
    const first = Math.min(limit, mostAtOnce);
    const { searchIssues } = await client.request<Answer>(id, searchDocument, { term, first }, signal);
    return searchIssues.nodes
      .filter(({ trashed }) => !trashed)
      .map((node) => ({
        hint: hintOf(id, node),
        state: { name: node.state.name, category: categoryOf(node.state) },
        text: unfoldFromLinear(node.description ?? ''),
        updatedAt: node.updatedAt,
      }));
  });
  return inTurn(found).slice(0, limit);
}

/** Of all workspaces. */
export async function listTeams({ tokens, cache }: Searching, signal: AbortSignal): Promise<TeamPlace[]> {
  signal.throwIfAborted();
  const teams = await askEach(await tokens.workspaces(signal), ({ id }) => cache.teams(id, signal));
  return teams.flat().map(({ name, key }) => ({ name, key }));
}
