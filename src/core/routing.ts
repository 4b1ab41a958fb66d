import { cleanText } from './outgoing-text.ts';
import type { Repository } from './repository.ts';
import type { Ticket } from './ticket.ts';

export type Route =
  /** `base` is what the ticket asks for; null leaves it to the repository. */
  | { repository: Repository; base: string | null }
  | { ask: { question: string; options: string[] } }
  /** The ticket names what we do not have. `given` is cleaned for showing. */
  | { unknown: { given: string; known: string[] } };

/**
 * Which repository a ticket is about. In this order: its field `repository` (`name` or `name#branch`), `[repo=name#branch]`
 * in the description, a label that is a repository's name, the only repository there is. Letter case does not matter.
 */
export function routeTicket(
  ticket: Pick<Ticket, 'fields' | 'description' | 'labels'>,
  repositories: readonly Repository[],
): Route {
  const known = repositories.map(({ name }) => name);
  const named = nameIn(ticket);
  if (named !== null) return readName(named, repositories) ?? { unknown: { given: cleanText(named, 100), known } };
  const labelled = [...new Set(ticket.labels.flatMap((label) => find(repositories, label.trim()) ?? []))];
  const candidates = labelled.length > 0 ? labelled : repositories;
  const [only] = candidates;
  if (only && candidates.length === 1) return { repository: only, base: null };
  return { ask: { question: 'Which repository is this ticket about?', options: candidates.map(({ name }) => name) } };
}

/**
 * What people answered where the ticket alone did not tell: the newest of `said` that is a repository's name and nothing
 * else ("web", "`web#release`", "@shipmate web."). null: none is.
 */
export function routeByAnswer(
  said: readonly string[],
  repositories: readonly Repository[],
): { repository: Repository; base: string | null } | null {
  for (const text of said.toReversed()) {
    const bare = text.slice(0, 1000).replace(/^\s*@\S+[\s,:]+/, '');
    const route = readName(bare.replace(/^[\s"'`]+|[\s"'`.!]+$/g, ''), repositories);
    if (route) return route;
  }
  return null;
}

/** `name` or `name#branch`. */
function readName(
  named: string,
  repositories: readonly Repository[],
): { repository: Repository; base: string | null } | null {
  const hash = named.indexOf('#');
  const name = (hash === -1 ? named : named.slice(0, hash)).trim();
  const branch = hash === -1 ? null : named.slice(hash + 1).trim() || null;
  const repository = find(repositories, name);
  return !repository || (branch !== null && !isBranch(branch)) ? null : { repository, base: branch };
}

function nameIn({ fields, description }: Pick<Ticket, 'fields' | 'description'>): string | null {
  const field = Object.entries(fields).find(
    ([name, value]) => name.trim().toLowerCase() === 'repository' && value.trim() !== '',
  );
  if (field) return field[1].trim();
  const tag = /\[repo\s{0,5}=\s{0,5}([^\][\s][^\][\r\n]{0,300})\]/i.exec(description);
  return tag?.[1]?.trim() ?? null;
}

function find(repositories: readonly Repository[], name: string): Repository | undefined {
  const wanted = name.toLowerCase();
  return (
    repositories.find((repository) => repository.name === name) ??
    repositories.find((repository) => repository.name.toLowerCase() === wanted)
  );
}

/** As `git check-ref-format --branch` has it. */
export function isBranch(name: string): boolean {
  if (
    name.length > 200 ||
    name === '@' ||
    name === 'HEAD' ||
    /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\.$|\/$|^[-/]/u.test(name)
  )
    return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}
