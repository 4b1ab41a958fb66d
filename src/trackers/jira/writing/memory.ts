import { setTimeout as delay } from 'node:timers/promises';
import { keepNewest } from '../../../lib/keep-newest.ts';
import { createTurns } from '../../../lib/turns.ts';
import { type Found, newOwnComments, type OwnComments, see } from '../../one-comment/own-comments.ts';
import { JiraError } from '../errors.ts';
import type { Account } from '../people.ts';
import type { Standing, Way } from './standing.ts';

const most = { issues: 500, results: 5_000, metas: 200 };
/** Shorter than any lease: whoever takes a ticket over from another process looks at it again. */
const freshMs = 15_000;
/** What people change meanwhile is seen after a move, and stands. */
const standingForMs = 15_000;
/** What was written so lately a reading may not show. */
const writtenWithinMs = 5_000;
/** A way that is there no more is refused, and the issue looked at. */
const waysForMs = 60 * 60_000;
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
  own(ticketId: string): OwnComments | null;
  /** Whether anybody has looked, however long ago. */
  knows(ticketId: string): boolean;
  /** Takes in all that we have written on a ticket, just read. */
  see(ticketId: string, all: readonly Found[]): OwnComments;
  forget(ticketId: string): void;
  /** How an issue was found where it was read; `asked`: since when, by `now`. It counts where we were not writing at that time. */
  seeIssue(ticketId: string, standing: Standing, isOurs: (account: Account) => boolean, asked: number): void;
  now(): number;
  /** How an issue was found by the last look, to be written by once. */
  keepStanding(ticketId: string, standing: Standing): void;
  takeStanding(ticketId: string): Standing | null;
  /** Takes in where issues of this kind can go from there. */
  learn(standing: Standing): void;
  /** Where issues of this kind could go from a status; null: none was seen in it of late. */
  waysFrom(standing: Pick<Standing, 'kind' | 'status'>): Way[] | null;
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
  const looks = new Map<string, { own: OwnComments; at: number }>();
  const results = new Map<string, Record<string, unknown>>();
  const standings = new Map<string, { standing: Standing; at: number }>();
  const workflows = new Map<string, { ways: Way[]; at: number }>();
  const metas = new Map<string, { value: unknown; at: number }>();
  const writes = new Map<string, number[]>();

  const placeOf = ({ kind, status }: Pick<Standing, 'kind' | 'status'>) => `${kind}/${status.id}`;

  function learn(standing: Standing): void {
    if (!standing.isOld) keepNewest(workflows, placeOf(standing), { ways: standing.ways, at: now() }, most.metas);
  }

  function stand(ticketId: string, standing: Standing, at: number): void {
    keepNewest(standings, ticketId, { standing, at }, most.issues);
    learn(standing);
  }

  return {
    own(ticketId) {
      const known = looks.get(ticketId);
      return known && now() - known.at < freshMs ? known.own : null;
    },
    knows: (ticketId) => looks.has(ticketId),
    see(ticketId, all) {
      const own = newOwnComments();
      for (const found of all) see(own, found);
      keepNewest(looks, ticketId, { own, at: now() }, most.issues);
      return own;
    },
    seeIssue(ticketId, standing, isOurs, asked) {
      if ((writes.get(ticketId)?.at(-1) ?? Number.NEGATIVE_INFINITY) > asked - writtenWithinMs) return;
      stand(ticketId, standing, asked);
      if (standing.commenters && !standing.commenters.some(isOurs))
        keepNewest(looks, ticketId, { own: newOwnComments(), at: asked }, most.issues);
    },
    now,
    forget(ticketId) {
      looks.delete(ticketId);
      standings.delete(ticketId);
    },
    keepStanding: (ticketId, standing) => stand(ticketId, standing, now()),
    learn,
    waysFrom(standing) {
      const known = workflows.get(placeOf(standing));
      return known && now() - known.at < waysForMs ? known.ways : null;
    },
    takeStanding(ticketId) {
      const known = standings.get(ticketId);
      standings.delete(ticketId);
      return known && now() - known.at < standingForMs ? { ...known.standing, isOld: true } : null;
    },
    resultOf: (id) => results.get(id) ?? null,
    keepResult: (id, result) => keepNewest(results, id, result, most.results),
    async meta(key, read) {
      const known = metas.get(key);
      if (known && now() - known.at < metaForMs) return known.value as never;
      const value = await read();
      keepNewest(metas, key, { value, at: now() }, most.metas);
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
      keepNewest(writes, ticketId, [...times, now()], most.issues);
    },
    inTurn: createTurns(),
  };
}
