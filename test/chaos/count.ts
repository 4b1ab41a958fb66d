import type pg from 'pg';
import type { WorldClient } from '../stand-ins/world/client.ts';
import type { TicketCounts } from '../stand-ins/world/ledger.ts';

export interface Tally {
  lost: string[];
  duplicate: string[];
  stuck: string[];
  finished: number;
}

/** A ticket that ended as it should, however often it was interrupted: all of it is seen, and each thing once. */
export function isFinished(counts: TicketCounts): boolean {
  return counts.pullRequests > 0 && counts.attachments > 0 && counts.closing > 0;
}

/**
 * What the outside saw of each ticket. Lost: it rests without its pull request, or a delivery that was answered 2xx has no
 * outcome. Stuck: it has not come to rest. Duplicate: anything that can be there once is there more often.
 */
export async function tally(
  world: WorldClient,
  database: pg.Client | pg.Pool,
  given: { tickets: string[]; deliveries: string[] },
): Promise<Tally> {
  const result: Tally = { lost: [], duplicate: [], stuck: [], finished: 0 };
  const counts = await world.counts();
  const { rows: sessions } = await database.query<{
    ticket: string;
    state: string;
    said: string;
    steps: string;
    unsent: number;
  }>(
    `select t.identifier as ticket, s.state,
       (select concat('attempt ', attempt, ': ', outcome ->> 'message') from runs r where r.session_id = s.id order by number desc limit 1) as said,
       (select string_agg(concat(key, ' (attempt ', attempt, '): ', left(result::text, 300)), E'\\n  ' order by seq) from steps where session_id = s.id) as steps,
       (select count(*)::int from effects e where e.session_id = s.id and e.state = 'pending') as unsent
     from sessions s join tickets t on t.id = s.ticket_id`,
  );
  const sessionOf = new Map(sessions.map((session) => [session.ticket, session]));
  for (const ticket of given.tickets) {
    const seen = counts[ticket];
    const session = sessionOf.get(ticket);
    if (!seen || !session) {
      result.lost.push(`${ticket} has no session`);
      continue;
    }
    for (const what of twice(seen)) result.duplicate.push(`${ticket}: ${what}`);
    const rests = session.state !== 'pending' && session.state !== 'active' && session.unsent === 0;
    if (!rests)
      result.stuck.push(`${ticket} is ${session.state}, ${session.said}, ${session.unsent} effects have not left`);
    else if (session.state !== 'complete' || !isFinished(seen))
      result.lost.push(
        `${ticket} is ${session.state}, ${session.said} ${JSON.stringify({ ...seen, duplicates: [] })}\n  ${session.steps}`,
      );
    else result.finished += 1;
  }
  const { rows: sorted } = await database.query<{ id: string; outcome: string | null }>(
    'select delivery_id as id, outcome from deliveries where sorted_at is not null',
  );
  const outcomes = new Map(sorted.map(({ id, outcome }) => [id, outcome]));
  for (const id of given.deliveries) {
    const outcome = outcomes.get(id);
    if (!outcome || outcome.startsWith('failed')) result.lost.push(`delivery ${id}: ${outcome ?? 'no outcome'}`);
  }
  return result;
}

function* twice(seen: TicketCounts): Iterable<string> {
  // A turn that was interrupted is done again: what its tool calls did is done, and shown, a second time.
  for (const text of seen.duplicates)
    if (!text.startsWith('{"type":"action"')) yield `shown again: ${text.slice(0, 200)}`;
  if (seen.pullRequests > 1) yield `${seen.pullRequests} pull requests`;
  if (seen.branches.length > 1) yield `branches ${seen.branches.join(', ')}`;
  if (seen.pushes > 1) yield `${seen.pushes} pushes`;
  if (seen.closing > 1) yield `${seen.closing} closing activities`;
  if (seen.attachments > 1) yield `${seen.attachments} attachments`;
  if (new Set(seen.stateChanges).size < seen.stateChanges.length) yield `moved: ${seen.stateChanges.join(', ')}`;
}

export function lastLine(result: Tally, of: number): string {
  return `lost=${result.lost.length} duplicate=${result.duplicate.length} stuck=${result.stuck.length} finished=${result.finished} of ${of}`;
}
