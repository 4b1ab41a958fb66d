import { searchWords, tellingWords } from '../../../core/search-words.ts';
import type { TeamPlace, TicketMatch } from '../../../core/ticket.ts';
import { askEach, inTurn } from '../../ask-each.ts';
import type { Api } from '../api.ts';
import { accountOf, hintOf } from '../hint.ts';
import { withoutMark } from '../markers.ts';
import type { Repositories } from '../repositories.ts';
import { isSame, stateOf } from '../states.ts';

interface Searching {
  api: Api;
  repositories: Repositories;
}

/** GitHub refuses a query with more than five operators, or with more than 256 characters beside these and the qualifiers. */
const most = { words: 6, wordCharacters: 40, atOnce: 100 };
const operators = ['and', 'or', 'not'];

/**
 * Ranked by GitHub, the repositories of each owner by themselves. GitHub finds what has all words of a query, unless it is
 * told "or": then it takes six, so these are the longest.
 */
export async function searchTickets(
  { api, repositories }: Searching,
  words: string,
  limit: number,
  signal: AbortSignal,
): Promise<TicketMatch[]> {
  signal.throwIfAborted();
  const fitting = searchWords(words).filter((word) => word.length <= most.wordCharacters && !operators.includes(word));
  const asked = tellingWords(fitting, most.words);
  if (asked.length === 0 || limit < 1) return [];
  const homes = Object.groupBy(await repositories.all(signal), ({ fullName }) => accountOf(fullName));
  const found = await askEach(Object.entries(homes), async ([owner, ours = []]): Promise<TicketMatch[]> => {
    const [first] = ours;
    if (!first) return [];
    // Several repositories would take operators, too; what else the owner has is left out of what was found.
    const where = ours.length === 1 ? `repo:${first.fullName}` : `user:${owner}`;
    const query = {
      q: `${where} is:issue (${asked.join(' OR ')})`,
      advanced_search: 'true',
      per_page: ours.length === 1 ? Math.min(limit, most.atOnce) : most.atOnce,
    };
    return (await api.search(first.fullName, query, signal)).flatMap((issue): TicketMatch[] => {
      const home = ours.find(({ fullName }) => isSame(issue.repository_url.split('/').slice(-2).join('/'), fullName));
      if (!home || issue.pull_request) return [];
      const text = withoutMark(issue.body ?? '');
      return [{ hint: hintOf(home, issue), state: stateOf(issue), text, updatedAt: issue.updated_at }];
    });
  });
  return inTurn(found).slice(0, limit);
}

/** A ticket is filed into a repository. */
export async function listTeams({ repositories }: Searching, signal: AbortSignal): Promise<TeamPlace[]> {
  signal.throwIfAborted();
  return (await repositories.all(signal)).map(({ fullName }) => ({ name: fullName, key: null }));
}
