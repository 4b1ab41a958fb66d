import type { TicketOperation } from '../../../core/effect.ts';
import { isOver, notStarted, type StateCategory } from '../../../core/ticket.ts';
import { JiraError } from '../errors.ts';
import type { OwnMove } from '../news.ts';
import { categoryOf, isSame, type StatusNames, type StatusNode } from '../states.ts';
import type { Located } from './place.ts';
import { type Change, readStanding, type Standing, type Way } from './standing.ts';

type Operation = TicketOperation & { kind: 'moveTicket' };

export interface Moving {
  place: Located;
  states: StatusNames;
  /** Before each write to the issue. */
  pace: () => Promise<void>;
  /** Before each move: what it gives answers, after it, what deliveries tell of it. */
  watch: () => (to: string, signal: AbortSignal) => Promise<OwnMove | null>;
  /** Where issues of this kind can go from a status; null: nobody has seen it. */
  waysFrom: (standing: Pick<Standing, 'kind' | 'status'>) => Way[] | null;
  signal: AbortSignal;
}

const mostSteps = 6;
const ranks: Record<StateCategory, number> = { backlog: 0, unstarted: 1, started: 2, review: 3, done: 4, canceled: 4 };
/** Where a ticket goes instead, in a workflow without a status of a category. */
const instead: Partial<Record<StateCategory, StateCategory>> = { backlog: 'unstarted', unstarted: 'backlog' };
const calledOff = /won'?t|cancel|declin|reject|abandon|obsolete|cannot|duplicate/i;

interface Moved {
  result: { state: string } | { skipped: string };
  /** How the issue stands then, if that was looked at. */
  standing: Standing | null;
  /** What of the workflow kept it from being moved, for people to read on the ticket. */
  said?: string;
}

/**
 * By the transitions that are open, in several steps where no single one leads there: through states between the two, and, where
 * work has not begun, others of that kind. A person's later change stands; what the workflow does not let us do is told.
 * `seen`: how the issue was found just now.
 */
export async function moveTicket(moving: Moving, operation: Operation, seen: Standing): Promise<Moved> {
  const { place, states, signal } = moving;
  let standing = seen;
  let isOnWay = false;
  let refusedOnce = false;
  const visited = new Set<string>();
  for (let step = 0; step < mostSteps; ) {
    const { status } = standing;
    const now = categoryOf(status, states, standing.resolution);
    const isBarred = !isOnWay && (!operation.from.includes(now) || isOfPeople(standing, operation, states));
    if (standing.isOld && (isBarred || now === operation.to)) {
      standing = await readStanding(place, signal);
      continue;
    }
    if (now === operation.to) return arrived(status);
    if (isBarred) return skipped(overtaken(nameOf(status), operation));
    visited.add(status.id ?? '');
    const choice = await choose(moving, operation, standing, visited);
    // Only a way that leads straight there is gone by what was known of before.
    if (standing.isOld && ('skipped' in choice || categoryOf(choice.way.to, states) !== operation.to)) {
      standing = await readStanding(place, signal);
      continue;
    }
    if ('skipped' in choice) return kept(choice.skipped);
    const toldOf = moving.watch();
    try {
      await go(moving, choice);
    } catch (error) {
      if (!(error instanceof JiraError) || error.code !== 'invalid') throw error;
      const found = await readStanding(place, signal);
      if (standing.isOld) {
        standing = found;
        continue;
      }
      if (refusedOnce || found.status.id === status.id)
        return kept(`"${nameOf(status)}" stays, for "${choice.way.name}" was refused. ${error.message}`);
      // Somebody was faster: it is judged anew where it is now.
      refusedOnce = true;
      standing = found;
      continue;
    }
    step += 1;
    const isThere = categoryOf(choice.way.to, states) === operation.to || choice.isLast;
    // From elsewhere Jira would have refused it.
    if (isThere && !choice.way.isGlobal) return arrived(choice.way.to, movedBy(moving, standing, choice.way));
    // A delivery that tells of our move spares the look after it.
    const told = isThere ? await toldOf(choice.way.to.id ?? '', signal) : null;
    if (told && told.from === status.id) return arrived(choice.way.to, movedBy(moving, standing, choice.way, told.at));
    const before = standing.changes.find(({ field }) => field === 'status');
    standing = await readStanding(place, signal);
    const put = standing.changes.find(
      ({ field, isOurs, to, at }) =>
        field === 'status' && isOurs && to === choice.way.to.id && (!before || Date.parse(at) > Date.parse(before.at)),
    );
    if (put && put.from !== null && put.from !== status.id) return putBack(moving, operation, standing, put);
    if (isThere) return arrived(choice.way.to, standing);
    if (standing.status.id !== choice.way.to.id) return skipped(overtaken(nameOf(standing.status), operation));
    isOnWay = true;
  }
  return skipped(noWay(standing.status, operation.to));
}

function arrived(status: StatusNode, standing: Standing | null = null): Moved {
  return { result: { state: nameOf(status) }, standing };
}

function skipped(why: string): Moved {
  return { result: { skipped: why }, standing: null };
}

/** The workflow kept it from there. */
function kept(why: string): Moved {
  return { ...skipped(why), said: why };
}

/** How an issue stands after our move, as far as that is known without a look; null: it is not. */
function movedBy({ waysFrom, states }: Moving, before: Standing, { to }: Way, at = before.updatedAt): Standing | null {
  const { id: from = null } = before.status;
  const change: Change = {
    field: 'status',
    isOurs: true,
    at,
    from,
    fromName: nameOf(before.status),
    to: to.id ?? null,
  };
  const ways = waysFrom({ ...before, status: to });
  // Where it is over it has a resolution, which is not told.
  if (ways === null || isOver(categoryOf(to, states))) return null;
  return { ...before, status: to, ways, changes: [change, ...before.changes], isOld: true, commenters: null };
}

/** Between our look and our move a person had moved it: Jira cannot make a move depend on what it expects. */
async function putBack(
  moving: Moving,
  operation: Operation,
  { ways, status }: Standing,
  { from, fromName }: { from: string | null; fromName: string },
): Promise<Moved> {
  const back = ways.find(({ to }) => to.id === from);
  if (!back) return arrived(status);
  await go(moving, { way: back, fields: {} });
  return skipped(overtaken(fromName, operation));
}

/**
 * Whether a person has chosen the status in which it is since we last moved it, and has not given it to us since: by taking this
 * very move back, or by choosing another status of the same kind. What people have begun is not taken back, either.
 */
function isOfPeople({ status, changes, ways }: Standing, { to }: Operation, states: StatusNames): boolean {
  const moves = changes.filter(({ field }) => field === 'status');
  const [newest] = moves;
  if (!newest || newest.isOurs) return false;
  if (notStarted.includes(to) && !notStarted.includes(categoryOf(status, states))) return true;
  const ours = moves.find(({ isOurs }) => isOurs);
  const given = changes.find(({ field, to: whom }) => field === 'assignee' && whom !== null);
  if (!ours || (given && Date.parse(given.at) > Date.parse(newest.at))) return false;
  const put = [status, ...ways.map((way) => way.to)].find(({ id }) => id === ours.to);
  const category = put && categoryOf(put, states);
  return category === undefined || category === to || category === categoryOf(status, states);
}

interface Choice {
  way: Way;
  fields: Record<string, unknown>;
  /** What is reached stands for what was wanted. */
  isLast?: boolean;
}

async function choose(
  moving: Moving,
  { to, named }: Operation,
  { status, ways }: Standing,
  visited: ReadonlySet<string>,
): Promise<Choice | { skipped: string }> {
  const { states } = moving;
  const now = categoryOf(status, states);
  const others = ways.filter((way) => !visited.has(way.to.id ?? ''));
  const leading = (category: StateCategory) =>
    others
      .filter((way) => categoryOf(way.to, states) === category)
      .toSorted((a, b) => Number(isNamed(b, named)) - Number(isNamed(a, named)));
  const direct = leading(to).map((way) => ({ way }));
  const [here, there] = [ranks[now], ranks[to]];
  const between = others
    .filter((way) => {
      const rank = ranks[categoryOf(way.to, states)];
      return rank > Math.min(here, there) && rank < Math.max(here, there);
    })
    .toSorted((a, b) => Math.abs(distance(a, to, states)) - Math.abs(distance(b, to, states)));
  // People's own states of work that has begun mean something: "Blocked" is on no way.
  const beside = notStarted.includes(now) && there > here ? leading(now) : [];
  const substitutes = direct.length > 0 ? [] : leading(instead[to] ?? to).map((way) => ({ way, isLast: true }));
  // Where nothing is called "canceled" a ticket is done, with a resolution that says so.
  const ends = to === 'canceled' && direct.length === 0 ? leading('done').map((way) => ({ way, isLast: true })) : [];
  const wanting: string[] = [];
  for (const each of [...direct, ...[...between, ...beside].map((way) => ({ way })), ...substitutes, ...ends]) {
    const { fields, missing } = await fill(moving, each.way, to);
    if (ends.some(({ way }) => way === each.way) && fields.resolution === undefined) continue;
    if (missing.length === 0) return { ...each, fields };
    wanting.push(
      `Jira asks for ${missing.map((name) => `"${name}"`).join(', ')} on the way to "${nameOf(each.way.to)}" ("${each.way.name}"), which I do not know: please move the ticket yourself. It stays in "${nameOf(status)}".`,
    );
  }
  return { skipped: wanting[0] ?? noWay(status, to) };
}

function distance({ to: status }: Way, to: StateCategory, states: StatusNames): number {
  return ranks[categoryOf(status, states)] - ranks[to];
}

function isNamed({ to }: Way, named: string | undefined): boolean {
  return named !== undefined && isSame(nameOf(to), named);
}

interface ScreenField {
  name?: string;
  required?: boolean;
  hasDefaultValue?: boolean;
  allowedValues?: { id?: string; name?: string }[];
}

/** What a transition's screen asks for. We know nothing but how the work ended. */
async function fill(
  { place, signal }: Moving,
  way: Way,
  to: StateCategory,
): Promise<{ fields: Record<string, unknown>; missing: string[] }> {
  if (!way.hasScreen) return { fields: {}, missing: [] };
  const { transitions = [] } = await place.site.client
    .on(signal)
    .issues.getTransitions({ issueIdOrKey: place.issue, transitionId: way.id, expand: 'transitions.fields' });
  const screen = (transitions.find(({ id }) => id === way.id)?.fields ?? {}) as Record<string, ScreenField>;
  const fields: Record<string, unknown> = {};
  const missing = new Map<string, string>();
  for (const [id, { name = id, required = false, hasDefaultValue = false, allowedValues = [] }] of Object.entries(
    screen,
  )) {
    if (id === 'resolution') {
      const ended =
        to === 'canceled' ? allowedValues.find((each) => calledOff.test(each.name ?? '')) : doneAs(allowedValues);
      if (ended?.id !== undefined && (to === 'canceled' || required)) fields.resolution = { id: ended.id };
    }
    if (required && !hasDefaultValue && fields[id] === undefined) missing.set(id, name);
  }
  if (missing.size === 0) return { fields, missing: [] };
  // What the issue has already is kept, and need not be given.
  const { fields: there = {} } = await place.site.client
    .on(signal)
    .issues.getIssue({ issueIdOrKey: place.issue, fields: [...missing.keys()] });
  return { fields, missing: [...missing].flatMap(([id, name]) => (isEmpty(there[id]) ? [name] : [])) };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function doneAs(values: { id?: string; name?: string }[]): { id?: string } | undefined {
  return (
    values.find(({ name = '' }) => /^(done|fixed|resolved|completed?)$/i.test(name)) ??
    values.find(({ name = '' }) => !calledOff.test(name))
  );
}

async function go({ place, pace, signal }: Moving, { way, fields }: Choice): Promise<void> {
  await pace();
  await place.site.client.on(signal).issues.doTransition({
    issueIdOrKey: place.issue,
    transition: { id: way.id },
    ...(Object.keys(fields).length > 0 && { fields }),
  });
  place.site.touch(place.issue);
}

const wanted: Record<StateCategory, string> = {
  backlog: 'the backlog',
  unstarted: 'what is to be done',
  started: 'what is in progress',
  review: 'review',
  done: 'what is done',
  canceled: 'what is called off',
};

function noWay(status: StatusNode, to: StateCategory): string {
  return `The workflow has no way from "${nameOf(status)}" to ${wanted[to]} that I may take, so the ticket stays there.`;
}

function overtaken(found: string, { to, named }: Operation): string {
  return `A person moved the ticket to "${found}", so it was not moved to ${named === undefined ? wanted[to] : `"${named}"`}.`;
}

function nameOf({ name = 'another status' }: StatusNode): string {
  return name;
}
