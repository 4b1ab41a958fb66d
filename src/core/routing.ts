import { cleanText } from './outgoing-text.ts';
import type { Repository } from './repository.ts';
import type { Ticket } from './ticket.ts';
import type { TicketFacts } from './ticket-facts.ts';

export type Route =
  /** `base` is what the ticket asks for; null leaves it to the repository. `remembered`: people's earlier answer settled it. */
  | { repository: Repository; base: string | null; remembered?: true }
  | { ask: { question: string; options: string[] } }
  /** The ticket names what we do not have. `given` is cleaned for showing. */
  | { unknown: { given: string; known: string[] } };

/** Where tickets go that name no repository themselves. It holds for tickets that all of its conditions fit; without any, for all. */
export interface RouteRule {
  project?: string | undefined;
  team?: string | undefined;
  label?: string | undefined;
  /** Values by the names of fields. Of a field with several values, separated by commas, one. */
  fields?: Record<string, string> | undefined;
  /** Globs. What is captured about these files goes to the rule's project and team, and has its label. */
  paths?: string[] | undefined;
  /** The same by CODEOWNERS: "@acme/payments". */
  owners?: string[] | undefined;
  /** Its name. */
  repository: string;
}

/** What is known of repositories beside the ticket. */
export interface Routing {
  repositories: readonly Repository[];
  rules: readonly RouteRule[];
  /** The repository that people named for another ticket of the same scope. */
  remembered: string | null;
}

/**
 * Which repository a ticket is about. What it names itself holds: its field, or `[repo=name#branch]` in the description.
 * Else each of these narrows down what is left, where it leaves anything: its labels that are names of repositories, the
 * rules that fit it best, what people answered before. Letter case does not matter.
 */
export function routeTicket(
  ticket: Pick<Ticket, 'description' | 'labels' | 'project' | 'team'> & Partial<Pick<Ticket, 'fields' | 'identifier'>>,
  facts: Pick<TicketFacts, 'repository'>,
  { repositories, rules, remembered }: Routing,
): Route {
  const known = repositories.map(({ name }) => name);
  const named = nameInTicket(ticket, facts);
  if (named !== null) return readName(named, repositories) ?? { unknown: { given: cleanText(named, 100), known } };
  const labelled = ticket.labels.flatMap((label) => findRepository(repositories, label.trim()) ?? []);
  const ruled = bestRules(ticket, rules).flatMap(({ repository }) => findRepository(repositories, repository) ?? []);
  const left = narrow(narrow(repositories, labelled), ruled);
  const [only] = left;
  if (only && left.length === 1) return { repository: only, base: null };
  const earlier = remembered === null ? undefined : left.find(({ name }) => name === remembered);
  if (earlier) return { repository: earlier, base: null, remembered: true };
  return { ask: { question: 'Which repository is this ticket about?', options: left.map(({ name }) => name) } };
}

/** What a ticket itself calls its repository; null: it names none. */
export function nameInTicket(
  { description }: Pick<Ticket, 'description'>,
  { repository }: Pick<TicketFacts, 'repository'>,
): string | null {
  return repository === null ? tagIn(description) : firstLine(repository);
}

/** Where an answer holds beyond its ticket. */
export interface RouteScope {
  kind: 'project' | 'team';
  name: string;
}

/** null: the ticket is part of nothing, so an answer holds for it alone. */
export function scopeOf({ project, team }: Pick<Ticket, 'project' | 'team'>): RouteScope | null {
  if (project !== null && project.trim() !== '') return { kind: 'project', name: project };
  return team !== null && team.trim() !== '' ? { kind: 'team', name: team } : null;
}

export interface Answer {
  repository: Repository;
  base: string | null;
  /** Place in what was said. */
  index: number;
}

/**
 * What people answered where the ticket alone did not tell: the newest of `said` that is a repository's name and nothing
 * else ("web", "`web#release`", "@shipmate web."). null: none is.
 */
export function routeByAnswer(said: readonly string[], repositories: readonly Repository[]): Answer | null {
  for (const [index, text] of [...said.entries()].reverse()) {
    const route = readName(bareAnswer(text), repositories);
    if (route) return { ...route, index };
  }
  return null;
}

/** An answer that is the number of one of the options that were offered, as that option; any other as it is. */
export function byNumber(text: string, options: readonly string[]): string {
  const [, number] = /^(?:option )?(\d{1,3})$/i.exec(bareAnswer(text)) ?? [];
  return options[Number(number) - 1] ?? text;
}

/** The name that an answer gives of a repository that we do not have, cleaned for showing; null where it is no name at all. */
export function unknownAnswer(text: string): string | null {
  const bare = bareAnswer(text);
  return /^[\w.-]{1,100}(\/[\w.-]{1,100})?(#\S{1,200})?$/.test(bare) && !/^(continue|stop|yes|no|ok)$/i.test(bare)
    ? cleanText(bare, 100)
    : null;
}

/** What a tracker thinks of a repository for a ticket; `confidence` from 0 to 1. */
export interface Suggestion {
  name: string;
  confidence: number;
  /** In a few words, as in "I work there, `why`". */
  why?: string;
}

const confidentFrom = 0.8;
const clearlyAheadBy = 0.2;

/**
 * What a tracker's suggestions make of a question. One that it is confident of, and that is clearly ahead of all others, is
 * taken; else the likelier options come first, and the others stay in their order. It chooses among `options` only.
 */
export function routeBySuggestions(
  options: readonly string[],
  suggestions: readonly Suggestion[],
): { taken: string; why?: string } | { options: string[] } {
  const ordered = options
    .map((name): Suggestion => {
      const named = suggestions.filter((each) => each.name === name);
      return named.toSorted((a, b) => b.confidence - a.confidence)[0] ?? { name, confidence: 0 };
    })
    .toSorted((a, b) => b.confidence - a.confidence);
  const [first, second] = ordered;
  if (first && first.confidence >= confidentFrom && first.confidence - (second?.confidence ?? 0) >= clearlyAheadBy)
    return { taken: first.name, ...(first.why !== undefined && { why: first.why }) };
  return { options: ordered.map(({ name }) => name) };
}

function bareAnswer(text: string): string {
  return text
    .slice(0, 1000)
    .replace(/^\s*@\S+[\s,:]+/, '')
    .replace(/^[\s"'`]+|[\s"'`.!]+$/g, '');
}

/** What is left of some when others are wanted; all of it where none of these is among them. */
function narrow(some: readonly Repository[], wanted: readonly Repository[]): readonly Repository[] {
  const left = some.filter((repository) => wanted.includes(repository));
  return left.length > 0 ? left : some;
}

/**
 * Of the rules that fit, those that say most: a label counts for more than fields, these for more than a project, and a project
 * for more than a team. A team has a key, too, with which what people call its tickets begins; and a project where it is the team.
 */
function bestRules(
  { labels, project, team, fields = {}, identifier = '' }: Parameters<typeof routeTicket>[0],
  rules: readonly RouteRule[],
): RouteRule[] {
  const same = (a: string, b: string | null) => b !== null && a.trim().toLowerCase() === b.trim().toLowerCase();
  const key = /^([a-z]\w*)-\d+$/i.exec(identifier)?.[1] ?? null;
  const hasValue = (name: string, value: string) =>
    Object.entries(fields).some(
      ([own, text]) => same(own, name) && [text, ...text.split(',')].some((each) => same(each, value)),
    );
  const fitting = rules.filter(
    (rule) =>
      !isOfPathsOnly(rule) &&
      (rule.label === undefined || labels.some((label) => same(rule.label ?? '', label))) &&
      Object.entries(rule.fields ?? {}).every(([name, value]) => hasValue(name, value)) &&
      (rule.project === undefined ||
        same(rule.project, project) ||
        (project !== null && project === team && same(rule.project, key))) &&
      (rule.team === undefined || same(rule.team, team) || (team !== null && same(rule.team, key))),
  );
  const weigh = (rule: RouteRule) =>
    (rule.label === undefined ? 0 : 8) +
    (rule.fields === undefined ? 0 : 4) +
    (rule.project === undefined ? 0 : 2) +
    (rule.team === undefined ? 0 : 1);
  const most = Math.max(0, ...fitting.map(weigh));
  return fitting.filter((rule) => weigh(rule) === most);
}

/** It says where captures go, and nothing of tickets that are there. */
function isOfPathsOnly({ project, team, label, fields, paths, owners }: RouteRule): boolean {
  return [project, team, label, fields].every((each) => each === undefined) && (paths ?? owners) !== undefined;
}

/** `name` or `name#branch`. */
function readName(
  named: string,
  repositories: readonly Repository[],
): { repository: Repository; base: string | null } | null {
  const hash = named.indexOf('#');
  const name = (hash === -1 ? named : named.slice(0, hash)).trim();
  const branch = hash === -1 ? null : named.slice(hash + 1).trim() || null;
  const repository = findRepository(repositories, name);
  return !repository || (branch !== null && !isBranch(branch)) ? null : { repository, base: branch };
}

function tagIn(description: string): string | null {
  const tag = /\[repo\s{0,5}=\s{0,5}([^\][\s][^\][\r\n]{0,300})\]/i.exec(description);
  return tag?.[1]?.trim() ?? null;
}

/** Of what stands under a heading, the first line; without the marks that make it an item or code. */
function firstLine(text: string): string {
  const line = text.split(/\r?\n/).find((each) => each.trim() !== '') ?? '';
  return line.replace(/^\s*[-*+]\s+/, '').replace(/^[\s`]+|[\s`]+$/g, '');
}

/** By its name; by where its code host has it; and `owner/web` by `web` alone, where no other one is called that. */
export function findRepository(repositories: readonly Repository[], name: string): Repository | undefined {
  const wanted = name.toLowerCase();
  const short = repositories.filter((repository) => repository.name.toLowerCase().endsWith(`/${wanted}`));
  return (
    repositories.find((repository) => repository.name === name) ??
    repositories.find((repository) => repository.name.toLowerCase() === wanted) ??
    (wanted.includes('/') ? repositories.find(({ location }) => location.toLowerCase() === wanted) : undefined) ??
    (wanted !== '' && !wanted.includes('/') && short.length === 1 ? short[0] : undefined)
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
