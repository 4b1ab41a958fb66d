import { setTimeout as delay } from 'node:timers/promises';
import { createTurns } from '../../../lib/turns.ts';
import { timeOf } from '../client.ts';
import { JiraError } from '../errors.ts';
import { readCommentMark } from './marks.ts';
import type { Standing } from './standing.ts';
import { addStatus, readStatus, type Status } from './status.ts';

/** What is known of our own comments on an issue. */
export interface Desk {
  /** By the operation that wrote it, the parts of one text in their order. */
  written: Map<string, OwnComment[]>;
  status: { comment: string; known: Status } | null;
  /** Status comments that were made at the same time as the one that stays. */
  strays: string[];
}

export interface OwnComment {
  id: string;
  part: number;
  at: string;
}

/** A comment as jira.js gives it. */
export interface CommentNode {
  id?: string | undefined;
  created?: unknown;
  properties?: { key?: string | undefined; value?: unknown }[] | undefined;
}

/** A project as tickets are filed into it. */
export interface ProjectPlace {
  id: string;
  key: string;
  name: string;
}

const most = { issues: 500, results: 5_000, metas: 200 };
/** Shorter than any lease: whoever takes a ticket over from another process looks at it again. */
const freshMs = 15_000;
/** What people change meanwhile is seen after a move, and stands. */
const standingForMs = 15_000;
const metaForMs = 10 * 60_000;
/** Jira's own limits for the writes to one issue, with a little left for what others in our name may do. */
const pace = [
  { most: 18, withinMs: 2_000 },
  { most: 90, withinMs: 30_000 },
];
const longestWaitMs = 3_000;

/**
 * What this process knows of what it has written, and of how projects are set up. It only spares requests: what counts is in
 * Jira, and is looked at again before anything is written that was not looked for a moment ago.
 */
export interface Memory {
  /** null: nobody has looked of late. */
  desk(ticketId: string): Desk | null;
  /** Whether anybody has looked, however long ago. */
  knows(ticketId: string): boolean;
  /** Takes in all that we have written on a ticket, just read. */
  see(ticketId: string, own: readonly CommentNode[]): Desk;
  forget(ticketId: string): void;
  /** How an issue was found by the last look, to be written by once. */
  keepStanding(ticketId: string, standing: Standing): void;
  takeStanding(ticketId: string): Standing | null;
  resultOf(operationId: string): Record<string, unknown> | null;
  keepResult(operationId: string, result: Record<string, unknown>): void;
  /** What was read of a site or a project a while ago; else it is read. */
  meta<T>(key: string, read: () => Promise<T>): Promise<T>;
  /** Waits until the issue may be written to. Throws `unavailable`, as Jira does of one ticket, where that is not soon. */
  pace(ticketId: string, signal: AbortSignal): Promise<void>;
  /** One after the other for one key. */
  inTurn<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createMemory(now: () => number = () => performance.now()): Memory {
  const desks = new Map<string, { desk: Desk; at: number }>();
  const results = new Map<string, Record<string, unknown>>();
  const standings = new Map<string, { standing: Standing; at: number }>();
  const metas = new Map<string, { value: unknown; at: number }>();
  const writes = new Map<string, number[]>();

  return {
    desk(ticketId) {
      const known = desks.get(ticketId);
      return known && now() - known.at < freshMs ? known.desk : null;
    },
    knows: (ticketId) => desks.has(ticketId),
    see(ticketId, own) {
      const desk: Desk = { written: new Map(), status: null, strays: [] };
      for (const comment of own) seeOwn(desk, comment);
      keep(desks, ticketId, { desk, at: now() }, most.issues);
      return desk;
    },
    forget(ticketId) {
      desks.delete(ticketId);
      standings.delete(ticketId);
    },
    keepStanding: (ticketId, standing) => keep(standings, ticketId, { standing, at: now() }, most.issues),
    takeStanding(ticketId) {
      const known = standings.get(ticketId);
      standings.delete(ticketId);
      return known && now() - known.at < standingForMs ? { ...known.standing, isOld: true } : null;
    },
    resultOf: (id) => results.get(id) ?? null,
    keepResult: (id, result) => keep(results, id, result, most.results),
    async meta(key, read) {
      const known = metas.get(key);
      if (known && now() - known.at < metaForMs) return known.value as never;
      const value = await read();
      keep(metas, key, { value, at: now() }, most.metas);
      return value;
    },
    async pace(ticketId, signal) {
      const times = (writes.get(ticketId) ?? []).filter((at) => at > now() - 30_000);
      const waits = pace.map((limit) => {
        const within = times.filter((at) => at > now() - limit.withinMs);
        const first = within.at(-limit.most);
        return first === undefined ? 0 : first + limit.withinMs - now();
      });
      const wait = Math.max(...waits);
      if (wait > longestWaitMs)
        throw new JiraError('So much was written to the ticket that Jira would take no more just now.', {
          ...{ code: 'unavailable', retryable: true, retryAfterMs: Math.ceil(wait) },
        });
      if (wait > 0) await delay(wait, undefined, { signal });
      keep(writes, ticketId, [...times, now()], most.issues);
    },
    inTurn: createTurns(),
  };
}

export function seeOwn(desk: Desk, comment: CommentNode): void {
  const { id = '', created } = comment;
  const known = readStatus(comment);
  if (known) {
    // Of two that two processes have made at once the first stays, and knows what both have done.
    const other = desk.status;
    const [first, second] =
      other && Number(other.comment) < Number(id) ? [other, { comment: id, known }] : [{ comment: id, known }, other];
    if (second && second.comment !== first.comment) {
      addStatus(first.known, second.known);
      desk.strays.push(second.comment);
    }
    desk.status = first;
    return;
  }
  const mark = readCommentMark(comment);
  if (!mark) return;
  const others = (desk.written.get(mark.operation) ?? []).filter(
    (other) => other.part !== mark.part || Number(other.id) < Number(id),
  );
  if (others.some(({ part }) => part === mark.part)) return;
  const own = { id, part: mark.part, at: timeOf(created) };
  desk.written.set(
    mark.operation,
    [...others, own].toSorted((a, b) => a.part - b.part),
  );
}

/** The oldest make room. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value, size: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > size) for (const oldest of map.keys()) return void map.delete(oldest);
}
