import type { Repository } from '../../../core/repository.ts';
import type { Suggestion } from '../../../core/routing.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import type { LinearClient } from '../client.ts';
import { refOf } from '../hint.ts';

export const suggestDocument = `query SuggestRepositories($issue: String!, $candidates: [CandidateRepository!]!) {
  issueRepositorySuggestions(issueId: $issue, candidateRepositories: $candidates) {
    suggestions { repositoryFullName hostname confidence }
  }
}`;

interface Answer {
  issueRepositorySuggestions: {
    suggestions: { repositoryFullName: string; hostname: string | null; confidence: number }[];
  };
}

/** A repository as Linear may know it. */
interface Candidate {
  hostname: string;
  repositoryFullName: string;
}

/** Asks for those that have a name on some host; of a mere path Linear knows nothing, and then it is not asked at all. */
export async function suggestRepositories(
  { client }: { client: LinearClient },
  hint: TicketHint,
  repositories: readonly Pick<Repository, 'name' | 'location'>[],
  signal: AbortSignal,
): Promise<Suggestion[]> {
  signal.throwIfAborted();
  const ref = refOf(hint);
  const known = repositories.flatMap(({ name, location }) => {
    const candidate = candidateOf(location) ?? candidateOf(name);
    return candidate ? [{ name, candidate }] : [];
  });
  if (ref === null || known.length === 0) return [];
  const { issueRepositorySuggestions: answer } = await client.request<Answer>(
    ref.workspace,
    suggestDocument,
    { issue: hint.id, candidates: known.map(({ candidate }) => candidate) },
    signal,
  );
  return answer.suggestions.flatMap(({ repositoryFullName, hostname, confidence }) => {
    const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
    const found = known.find(
      ({ candidate }) =>
        same(candidate.repositoryFullName, repositoryFullName) &&
        (hostname === null || same(candidate.hostname, hostname)),
    );
    return found ? [{ name: found.name, confidence }] : [];
  });
}

/** Where a repository is named without its host: most are there, and Linear compares the names. */
const usualHost = 'github.com';

/** "https://host/owner/name.git", "git@host:owner/name.git" or "owner/name"; null for anything else. */
export function candidateOf(text: string): Candidate | null {
  const [, host = usualHost, path = text] =
    /^(?:https?|ssh|git):\/\/(?:[^@/\s]+@)?([^:/\s]+)(?::\d+)?\/(\S+)$/.exec(text) ??
    /^[\w.-]+@([^:/\s]+):(\S+)$/.exec(text) ??
    [];
  const repositoryFullName = path.replace(/\/+$/, '').replace(/\.git$/, '');
  // Groups may be in one another; a path of a disk begins with a slash.
  const isName = /^[\w-][\w.-]*(\/[\w-][\w.-]*)+$/.test(repositoryFullName);
  return isName ? { hostname: host.toLowerCase(), repositoryFullName } : null;
}
