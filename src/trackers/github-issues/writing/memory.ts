import { createTurns } from '../../../lib/turns.ts';
import type { Comment } from '../api.ts';
import { readMark } from '../markers.ts';
import { readStatus, type Status } from './status.ts';

/** What is known of our own comments on an issue. */
export interface Desk {
  /** Up to when its comments were looked at, by GitHub's clock; null: never. */
  until: string | null;
  /** By the operation that wrote it, the parts of one text in their order. */
  written: Map<string, OwnComment[]>;
  status: { comment: number; known: Status } | null;
}

export interface OwnComment {
  id: number;
  part: number;
  at: string;
  url: string;
}

const mostIssues = 500;
const mostRequests = 2_000;
const mostResults = 5_000;

/**
 * What this process knows of what it has written. It only spares requests: what counts is at GitHub, and what others may
 * have written there since is asked for before each write.
 */
export interface Memory {
  desk(ticketId: string): Desk;
  /** Takes comments in that were just read: all of them, or those since `Desk.until`. */
  see(ticketId: string, own: readonly Comment[], all: readonly Comment[]): Desk;
  forget(ticketId: string): void;
  /** Whether the agent was called on a pull request, as of when that was changed last; null: nobody has looked. */
  called(ticketId: string, updatedAt: string): boolean | null;
  keepCalled(ticketId: string, updatedAt: string, called: boolean): void;
  filed(operationId: string): Record<string, unknown> | null;
  keepFiled(operationId: string, result: Record<string, unknown>): void;
  /** One after the other for one key. */
  inTurn<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createMemory(): Memory {
  const desks = new Map<string, Desk>();
  const results = new Map<string, Record<string, unknown>>();
  const requests = new Map<string, { updatedAt: string; called: boolean }>();

  function desk(ticketId: string): Desk {
    const known = desks.get(ticketId) ?? { until: null, written: new Map(), status: null };
    keep(desks, ticketId, known, mostIssues);
    return known;
  }

  return {
    desk,
    see(ticketId, own, all) {
      const known = desk(ticketId);
      for (const comment of own) seeOwn(known, comment);
      const newest = all
        .map(({ updated_at }) => updated_at)
        .sort()
        .at(-1);
      if (newest !== undefined && (known.until === null || newest > known.until)) known.until = newest;
      return known;
    },
    forget: (ticketId) => void desks.delete(ticketId),
    called(ticketId, updatedAt) {
      const known = requests.get(ticketId);
      return known?.updatedAt === updatedAt ? known.called : null;
    },
    keepCalled: (ticketId, updatedAt, called) => keep(requests, ticketId, { updatedAt, called }, mostRequests),
    filed: (id) => results.get(id) ?? null,
    keepFiled: (id, result) => keep(results, id, result, mostResults),

    inTurn: createTurns(),
  };
}

export function seeOwn(desk: Desk, { id, body = '', created_at: at, html_url: url }: Comment): void {
  const known = readStatus(body);
  if (known) {
    // Of two that were made at once the first stays.
    if (!desk.status || id <= desk.status.comment) desk.status = { comment: id, known };
    return;
  }
  const mark = readMark(body);
  if (!mark) return;
  const others = (desk.written.get(mark.id) ?? []).filter((other) => other.part !== mark.part || other.id < id);
  if (others.some(({ part }) => part === mark.part)) return;
  desk.written.set(
    mark.id,
    [...others, { id, part: mark.part, at, url }].toSorted((a, b) => a.part - b.part),
  );
}

/** The oldest make room. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) for (const oldest of map.keys()) return void map.delete(oldest);
}
