import { rankByWords } from '../rank-words.ts';
import { contractOf } from './contract.ts';
import { detailsOf } from './issue-details.ts';
import { described } from './issues.ts';
import { Refusal } from './refusal.ts';
import { type Call, type Routes, route } from './rest.ts';
import { isVisible } from './rights.ts';
import { fullName, type Issue, type Repository } from './rows.ts';

const most = { characters: 256, operators: 5 };
/** A group in parentheses; a qualifier; what is quoted; a word. */
const tokens = /\([^()]*\)|-?[\w-]+:(?:"[^"]*"|\S+)|"[^"]*"|\S+/g;

interface Query {
  qualifiers: [name: string, value: string][];
  /** An issue has a word of each group. */
  groups: string[][];
}

const refuse = (message: string) =>
  new Refusal(422, 'Validation Failed', { errors: [{ message, resource: 'Search', field: 'q', code: 'invalid' }] });

/** As far as our adapter writes it. What else the real one would understand is a fault: people's words must not be one. */
function read(text: string): Query {
  const all = text.match(tokens) ?? [];
  const qualifiers = all
    .filter((token) => /^[\w-]+:/.test(token))
    .map((token): [string, string] => [token.slice(0, token.indexOf(':')), token.slice(token.indexOf(':') + 1)]);
  const groups = all
    .filter((token) => !/^[\w-]+:/.test(token))
    .map((token) => token.replace(/^\(|\)$/g, '').split(/\s+OR\s+/));
  const words = groups.flat();
  if (words.join(' ').length > most.characters) throw refuse('The search is longer than 256 characters.');
  const operators = groups.reduce((sum, group) => sum + group.length - 1, 0);
  if (operators > most.operators) throw refuse('More than five AND / OR / NOT operators were used.');
  if (words.length === 0 && qualifiers.length === 0) throw refuse('None of the search qualifiers apply.');
  const odd = words.find((word) => /[^\p{L}\p{M}\p{N}_]/u.test(word) || /^(and|or|not)$/i.test(word));
  if (odd !== undefined) throw new Error(`The stand-in takes nothing but words: ${odd}`);
  return { qualifiers, groups };
}

function isSearched({ github, token }: Pick<Call, 'github' | 'token'>, { qualifiers }: Query) {
  const wheres = qualifiers.filter(([name]) => name === 'repo' || name === 'user');
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  const isAt = (repository: Repository, [name, value]: [string, string]) =>
    same(value, name === 'repo' ? fullName(repository) : repository.owner.login);
  const seen = github.repositories.filter((repository) => isVisible(github, token, repository));
  for (const where of wheres)
    if (!seen.some((repository) => isAt(repository, where)))
      throw refuse(
        'The listed users and repositories cannot be searched either because the resources do not exist or you do not have permission to view them.',
      );
  return seen.filter((repository) => wheres.every((where) => isAt(repository, where)));
}

export const searchRoutes: Routes = {
  'search/issues-and-pull-requests': route<'search/issues-and-pull-requests'>(
    'issues:read|pull_requests:read',
    (call) => {
      const { github } = call;
      const query = read(call.query.q);
      const kinds = query.qualifiers.filter(([name]) => name === 'is').map(([, value]) => value);
      if (!kinds.includes('issue')) throw refuse('Query must include "is:issue" or "is:pull-request".');
      const isFound = (repository: Repository, issue: Issue) =>
        !issue.pull &&
        !detailsOf(repository, issue).movedTo &&
        github.clock.now() - Date.parse(issue.updatedAt) >= github.search.lagMs;
      const rows = isSearched(call, query).flatMap((repository) =>
        [...repository.issues.values()]
          .filter((issue) => isFound(repository, issue))
          .map((issue) => ({ repository, issue })),
      );
      const parts = ({ issue: { title, body: text } }: (typeof rows)[number]) => ({ title, text });
      const found = rankByWords(query.groups.flat(), rows, parts).filter(({ row }) =>
        query.groups.every((group) => rankByWords(group, [row], parts).length > 0),
      );
      const some = github.search.isIncomplete ? found.slice(0, Math.ceil(found.length / 2)) : found;
      const contract = contractOf('openapi-types');
      return {
        body: {
          total_count: some.length,
          incomplete_results: github.search.isIncomplete,
          items: call.page(some).map(({ row: { repository, issue }, score }) => {
            const { body, ...rest } = described(github, repository, issue);
            const item = { ...rest, score, ...(body !== null && { body }) };
            return contract.fill(contract.schema('issue-search-result-item'), item, true);
          }),
        },
      };
    },
  ),
};
