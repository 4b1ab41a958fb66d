import { keepNewest } from '../../../lib/keep-newest.ts';
import { createTurns } from '../../../lib/turns.ts';
import { type Found, newOwnComments, type OwnComments, see } from '../../one-comment/own-comments.ts';
import type { Comment } from '../api.ts';
import { readMark } from '../markers.ts';
import { readStatus } from './status.ts';

/** What is known of our own comments on an issue. */
export interface Desk extends OwnComments {
  /** Up to when its comments were looked at, by GitHub's clock; null: never. */
  until: string | null;
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
    const known = desks.get(ticketId) ?? { ...newOwnComments(), until: null };
    keepNewest(desks, ticketId, known, mostIssues);
    return known;
  }

  return {
    desk,
    see(ticketId, own, all) {
      const known = desk(ticketId);
      for (const comment of own) {
        const found = foundIn(comment);
        if (found) see(known, found);
      }
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
    keepCalled: (ticketId, updatedAt, called) => keepNewest(requests, ticketId, { updatedAt, called }, mostRequests),
    filed: (id) => results.get(id) ?? null,
    keepFiled: (id, result) => keepNewest(results, id, result, mostResults),

    inTurn: createTurns(),
  };
}

/** What a comment of ours is, by its mark; null: it has none. */
export function foundIn({ id: number, body = '', created_at: at, html_url: url }: Comment): Found | null {
  const id = String(number);
  const status = readStatus(body);
  if (status) return { id, status };
  const mark = readMark(body);
  return mark && { operation: mark.id, id, part: mark.part, at, url };
}
