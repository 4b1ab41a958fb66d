import { matcherOf } from '../lib/globs.ts';
import type { Capture, Concern } from './capture.ts';
import { ownersOf } from './codeowners.ts';
import { pathsOf } from './concern-paths.ts';
import { cleanText } from './outgoing-text.ts';
import { repositoryOfRemotes } from './remote-place.ts';
import type { Repository } from './repository.ts';
import { findRepository, type RouteRule } from './routing.ts';
import type { TeamPlace } from './ticket.ts';
import { listPaths } from './tiers.ts';

/** Where a captured concern is filed. */
export interface CaptureRoute {
  repository: Repository | null;
  /** As the tracker calls it; null: its default. */
  team: string | null;
  project: string | null;
  labels: string[];
  /** What was decided that people might have wanted otherwise, in sentences. */
  notes: string[];
}

interface Known {
  repositories: readonly Repository[];
  rules: readonly RouteRule[];
  /** Empty: the tracker takes any name. */
  teams: readonly TeamPlace[];
}

/** What speaks for filing something somewhere: a rule, or an owner who is a team. */
interface Target {
  rule: Partial<RouteRule>;
  /** The glob, or the owner. */
  by: string;
}

/**
 * What the person names; else where `paths` of a rule say that most of its places belong, else their owners by CODEOWNERS,
 * else where the repository's tickets go. The repository: as named, else that of the clone's remotes, else the rule's, else
 * the only one. Rules of other repositories do not count once it is known.
 */
export function routeCapture(
  concern: Concern,
  capture: Pick<Capture, 'team' | 'project' | 'repository' | 'checkout'>,
  known: Known,
): CaptureRoute {
  const notes: string[] = [];
  const { repository: own, isSettled } = ownRepository(capture, known.repositories, notes);
  const rules = known.rules.filter((rule) => !isSettled || (own !== null && isOf(rule, own)));
  const byPlace = targetOf(concern, capture.checkout?.codeowners ?? '', { ...known, rules }, notes);
  const ruled = findRepository(known.repositories, byPlace?.rule.repository ?? '');
  const only = known.repositories.length === 1 ? known.repositories[0] : undefined;
  const repository = own ?? (isSettled ? null : (ruled ?? only ?? null));
  if (repository === null && !isSettled && known.repositories.length > 1)
    notes.push(`Which repository it is about is not known; there are: ${nameAll(known.repositories)}.`);

  const rule = byPlace?.rule ?? (repository && defaultRule(repository, rules, notes)) ?? {};
  const named = teamCalled(capture.team, known.teams, 'You named', notes);
  const routed = teamCalled(rule.team ?? null, known.teams, 'A rule under `routes` names', notes);
  const team = named ?? routed;
  // A project is of its team.
  const project = capture.project?.trim() || (team === routed ? (rule.project ?? null) : null);
  return { repository, team, project, labels: rule.label === undefined ? [] : [rule.label], notes };
}

/** `isSettled`: no rule may say otherwise. */
function ownRepository(
  { repository, checkout }: Pick<Capture, 'repository' | 'checkout'>,
  repositories: readonly Repository[],
  notes: string[],
): { repository: Repository | null; isSettled: boolean } {
  const named = repository?.trim() ?? '';
  const there = repositories.length === 0 ? 'none is configured' : `there are: ${nameAll(repositories)}`;
  if (named !== '') {
    const found = findRepository(repositories, named) ?? null;
    if (!found) notes.push(`There is no repository "${cleanText(named, 100)}"; ${there}.`);
    return { repository: found, isSettled: true };
  }
  const remotes = checkout?.remotes ?? [];
  if (remotes.length === 0) return { repository: null, isSettled: false };
  const found = repositoryOfRemotes(remotes, repositories);
  if (!found) notes.push(`Your clone is of no repository that I know, as far as its remotes say; ${there}.`);
  return { repository: found, isSettled: true };
}

/** Where most of its places belong, the first of several; null: nowhere in particular. */
function targetOf(concern: Concern, codeowners: string, known: Known, notes: string[]): Target | null {
  const counted = new Map<string, { target: Target; paths: string[] }>();
  for (const path of pathsOf(concern)) {
    if (/^(?:\/|[A-Za-z]:)/.test(path)) continue; // of a machine: no glob is for it
    const target = byPaths(path, known.rules, notes) ?? byOwners(path, codeowners, known, notes);
    if (!target) continue;
    const key = destination(target.rule);
    const same = counted.get(key);
    if (same) same.paths.push(path);
    else counted.set(key, { target, paths: [path] });
  }
  const [most, ...others] = [...counted.values()].toSorted((a, b) => b.paths.length - a.paths.length);
  for (const { target, paths } of others)
    notes.push(
      `${listPaths(paths)} would go to ${destination(target.rule)}; it is filed where most of its places belong, with ${destination(most?.target.rule ?? {})}.`,
    );
  return most?.target ?? null;
}

/** The glob that says most exactly where: with the longest beginning that is no pattern; of several the first. */
function byPaths(path: string, rules: readonly RouteRule[], notes: string[]): Target | null {
  const fitting = rules
    .flatMap((rule) => (rule.paths ?? []).map((glob) => ({ rule, by: glob })))
    .filter(({ by }) => matcherOf([by])(path))
    .toSorted((a, b) => literal(b.by) - literal(a.by));
  return first(path, fitting, notes);
}

function literal(glob: string): number {
  return glob.replace(/^\.?\/+/, '').split(/[*?[\]{}()!+@]/)[0]?.length ?? 0;
}

function byOwners(path: string, codeowners: string, { rules, teams }: Known, notes: string[]): Target | null {
  const found = ownersOf(codeowners, [path]);
  const owners = [...found.teams, ...found.users];
  const fitting = rules.flatMap((rule) =>
    (rule.owners ?? [])
      .filter((owner) => owners.includes(owner.trim().replace(/^@/, '').toLowerCase()))
      .map((by) => ({ rule, by })),
  );
  if (fitting.length > 0) return first(path, fitting, notes);
  for (const owner of owners) {
    const team = teams.find(({ name, key }) => [name, key ?? ''].some((each) => isCalled(owner, each)));
    if (team) return { rule: { team: team.name }, by: `@${owner}` };
  }
  return null;
}

/** "acme/payments-team" is called "Payments". */
function isCalled(owner: string, name: string): boolean {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[\s_-]+/g, ' ')
      .replace(/(?:^| )team(?= |$)/g, '')
      .trim();
  const wanted = plain(owner.split('/').at(-1) ?? '');
  return wanted !== '' && plain(name) === wanted;
}

function first(path: string, fitting: readonly Target[], notes: string[]): Target | null {
  const [taken, ...others] = fitting;
  if (!taken) return null;
  const other = others.find(({ rule }) => destination(rule) !== destination(taken.rule));
  const shown = ({ rule, by }: Target) => `\`${cleanText(by.replaceAll('`', "'"), 100)}\` (${destination(rule)})`;
  if (!other) return taken;
  const fits = `fits ${shown(taken)} and ${shown(other)} under \`routes\`; I took the one named first here.`;
  // Once for all files of which that is so.
  if (!notes.some((note) => note.endsWith(fits))) notes.push(`${listPaths([path])} ${fits}`);
  return taken;
}

/** Where the repository's tickets go, as the rules have it that ask for nothing else. */
function defaultRule(repository: Repository, rules: readonly RouteRule[], notes: string[]): RouteRule | null {
  const fitting = rules.filter(
    (rule) =>
      isOf(rule, repository) &&
      (rule.label ?? rule.fields ?? rule.paths ?? rule.owners) === undefined &&
      (rule.team ?? rule.project) !== undefined,
  );
  const [taken, ...others] = fitting;
  if (taken && others.length > 0)
    notes.push(`Tickets of ${repository.name} come from several places; it is filed with ${destination(taken)}.`);
  return taken ?? null;
}

function isOf({ repository }: RouteRule, { name }: Repository): boolean {
  return repository.toLowerCase() === name.toLowerCase();
}

function teamCalled(wanted: string | null, teams: readonly TeamPlace[], who: string, notes: string[]): string | null {
  const name = wanted?.trim().toLowerCase() ?? '';
  if (name === '') return null;
  if (teams.length === 0) return wanted?.trim() ?? null;
  const found =
    teams.find((team) => team.name.toLowerCase() === name) ?? teams.find(({ key }) => key?.toLowerCase() === name);
  if (found) return found.name;
  const names = teams.slice(0, 20).map((team) => cleanText(team.name, 80));
  notes.push(`${who} the team "${cleanText(wanted ?? '', 80)}", which is not there; there are: ${names.join(', ')}.`);
  return null;
}

function destination({ team, project, label, repository }: Partial<RouteRule>): string {
  const parts = [
    ...(team === undefined ? [] : [`team ${cleanText(team, 80)}`]),
    ...(project === undefined ? [] : [`project ${cleanText(project, 80)}`]),
    ...(label === undefined ? [] : [`label ${cleanText(label, 80)}`]),
  ];
  return parts.length === 0 ? `repository ${cleanText(repository ?? '', 80)}` : parts.join(', ');
}

function nameAll(repositories: readonly Repository[]): string {
  return repositories
    .slice(0, 20)
    .map(({ name }) => name)
    .join(', ');
}
