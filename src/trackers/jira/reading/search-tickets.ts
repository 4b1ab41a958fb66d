import { searchWords, tellingWords } from '../../../core/search-words.ts';
import type { TicketMatch } from '../../../core/ticket.ts';
import { askEach, inTurn } from '../../ask-each.ts';
import type { Desks } from '../desks.ts';
import { hintFieldIds, hintOf } from '../hint.ts';
import { anyOf, quote } from '../jql.ts';
import type { Site } from '../sites.ts';
import { categoryOf } from '../states.ts';
import { markdownOf } from '../text.ts';
import { readIssueNode } from './issue.ts';

const most = { words: 8, ranked: 100 };

/** Jira does not say what fits best: of the newest that have any of the words, those that have most of them are. */
export async function searchTickets(
  desks: Desks,
  words: string,
  limit: number,
  signal: AbortSignal,
): Promise<TicketMatch[]> {
  signal.throwIfAborted();
  const asked = tellingWords(searchWords(words), most.words);
  if (asked.length === 0 || limit < 1) return [];
  const found = await askEach(await desks.sites.all(signal), (site) => searchOn(desks, site, asked, signal));
  return inTurn(found).slice(0, limit);
}

async function searchOn(
  { states }: Desks,
  site: Site,
  words: readonly string[],
  signal: AbortSignal,
): Promise<TicketMatch[]> {
  const anywhere = words.flatMap((word) => [`summary ~ ${quote(word)}`, `description ~ ${quote(word)}`]);
  const { issues = [] } = await site.client.on(signal).issueSearch.searchAndReconsileIssuesUsingJqlPost({
    jql: `${anyOf(anywhere)} ORDER BY updated DESC`,
    fields: [...hintFieldIds, 'description', 'status', 'resolution', 'updated'],
    maxResults: most.ranked,
    reconcileIssues: site.touched(),
  });
  const matches = issues.flatMap((each) => {
    const issue = readIssueNode(each);
    if (!issue) return [];
    const { status, resolution, summary, description, updated } = issue.fields;
    const text = markdownOf(description);
    const state = { name: status?.name ?? '', category: categoryOf(status, states, resolution) };
    const match: TicketMatch = { hint: hintOf(site, issue), state, text, updatedAt: updated };
    return [{ match, rank: rankOf(words, summary ?? '', text) }];
  });
  return matches.toSorted((a, b) => b.rank - a.rank).map(({ match }) => match);
}

/** How many of the words are there; in the title they count twice. */
function rankOf(words: readonly string[], title: string, text: string): number {
  const [inTitle, inText] = [title, text].map((each) => new Set(searchWords(each)));
  const stands = (there: Set<string> | undefined, weight: number) =>
    words.reduce((sum, word) => sum + (there?.has(word) ? weight : 0), 0);
  return stands(inTitle, 2) + stands(inText, 1);
}
