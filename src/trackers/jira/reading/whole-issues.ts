import { keepNewest } from '../../../lib/keep-newest.ts';
import type { Desks } from '../desks.ts';
import { idOf } from '../hint.ts';
import { type Found, findIssue, type IssueName } from './find-issue.ts';
import { wholeIssue } from './read-ticket.ts';

/** From the words that call the agent to the reading that its work begins with. */
const keptForMs = 5_000;
const mostKept = 100;

/** Issues with all that there is on them, for those who look a moment after each other. */
export interface WholeIssues {
  /** Asks for it. */
  find(hint: IssueName, signal: AbortSignal): Promise<Found>;
  /** Asks for it, and keeps it for a moment. */
  findAhead(hint: IssueName, signal: AbortSignal): Promise<Found>;
  /** What was kept, once. */
  take(ticketId: string): Found | undefined;
  has(ticketId: string): boolean;
}

/** `seen` hears of each that was asked for, and when it was (by `now`). */
export function createWholeIssues(
  { sites }: Pick<Desks, 'sites'>,
  now: () => number,
  seen: (found: Found, asked: number) => Promise<void>,
): WholeIssues {
  const kept = new Map<string, { found: Found; asked: number }>();
  const fresh = (ticketId: string) => {
    const known = kept.get(ticketId);
    return known && now() - known.asked < keptForMs ? known.found : undefined;
  };

  async function find(hint: IssueName, signal: AbortSignal): Promise<Found> {
    const asked = now();
    const found = await findIssue(sites, hint, wholeIssue, signal);
    await seen(found, asked);
    return found;
  }

  return {
    find,
    async findAhead(hint, signal) {
      const asked = now();
      const found = await find(hint, signal);
      keepNewest(kept, idOf(found.site.host, found.issue.id), { found, asked }, mostKept);
      return found;
    },
    take(ticketId) {
      const found = fresh(ticketId);
      kept.delete(ticketId);
      return found;
    },
    has: (ticketId) => fresh(ticketId) !== undefined,
  };
}
