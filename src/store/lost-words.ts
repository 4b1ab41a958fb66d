import { sql } from 'kysely';
import type { TicketComment, TicketHint, TrackerKind } from '../core/ticket.ts';
import { microseconds } from './attention.ts';
import type { Database, Tx } from './database.ts';
import { sessionIdOf, ticketIdOf } from './sessions.ts';

/** What is younger may still be on its way as a webhook, which says more of it than a comment does. */
const onItsWay = sql`interval '3 minutes'`;
/** By so much a tracker's clock may differ from ours, or a comment be seen later than it was written. */
const overlap = sql`interval '10 minutes'`;

/**
 * From when on, and until when, people's words are to be looked for now; times are ISO 8601. `account`: one that is behind.
 * `hasWebhooks`: the youngest are left to these.
 */
export async function heardUntil(
  db: Database,
  tracker: TrackerKind,
  { account, hasWebhooks = true }: { account?: string; hasWebhooks?: boolean } = {},
): Promise<{ since: string; until: string }> {
  const { rows } = await sql<{ since: string; until: string }>`
    select ${microseconds('times.since')} as since, ${microseconds('times.until')} as until
    from (
      select now() - ${hasWebhooks ? onItsWay : sql`interval '0'`} as until,
        coalesce((select up_to from words_heard where tracker = ${nameOf(tracker, account)}), now() - ${onItsWay}) - ${overlap} as since
    ) as times`.execute(db);
  const [found] = rows;
  if (!found) throw new Error('unreachable: a select without a table answers one row');
  return found;
}

/** All that was said on a tracker's tickets until then is known. */
export async function noteHeardUntil(db: Database, tracker: TrackerKind, until: string): Promise<void> {
  await sql`
    insert into words_heard (tracker, up_to) values (${tracker}, ${until}::timestamptz)
    on conflict (tracker) do update set up_to = greatest(words_heard.up_to, excluded.up_to)`.execute(db);
}

const nameOf = (tracker: TrackerKind, account?: string) => (account === undefined ? tracker : `${tracker}/${account}`);

/** An account of a tracker that was passed over is behind the others from now on, if it was not before. */
export async function fellBehind(db: Database, tracker: TrackerKind, account: string): Promise<void> {
  await sql`
    insert into words_heard (tracker, up_to)
    select ${nameOf(tracker, account)}, coalesce((select up_to from words_heard where tracker = ${tracker}), now() - ${onItsWay})
    on conflict (tracker) do nothing`.execute(db);
}

/** Accounts of a tracker that are. */
export async function listBehind(db: Database, tracker: TrackerKind): Promise<string[]> {
  const { rows } = await sql<{ account: string }>`
    select substr(tracker, length(${tracker}::text) + 2) as account from words_heard
    where starts_with(tracker, ${nameOf(tracker, '')}) order by tracker`.execute(db);
  return rows.map(({ account }) => account);
}

export async function caughtUp(db: Database, tracker: TrackerKind, account: string): Promise<void> {
  await sql`delete from words_heard where tracker = ${nameOf(tracker, account)}`.execute(db);
}

/** Those of these tickets that were given to the agent, and that nobody took from it since. */
export async function ofTheAgent<T extends TicketHint>(db: Database, tickets: readonly T[]): Promise<T[]> {
  if (tickets.length === 0) return [];
  const rows = await db
    .selectFrom('sessions')
    .select('ticket_id')
    .where('ticket_id', 'in', tickets.map(ticketIdOf))
    .where('given', '=', true)
    .where('given_at', 'is not', null)
    .execute();
  const ours = new Set(rows.map((row) => row.ticket_id));
  return tickets.filter((ticket) => ours.has(ticketIdOf(ticket)));
}

/** Those of these comments that were made since the ticket was given to the agent, and that its session has not heard. */
export async function unheardOf(
  tx: Tx,
  ticket: TicketHint,
  comments: readonly TicketComment[],
): Promise<TicketComment[]> {
  if (comments.length === 0) return [];
  const session = sessionIdOf(ticket);
  const { rows } = await sql<{ id: string }>`
    select said.id from unnest(${comments.map(({ id }) => id)}::text[], ${comments.map(({ at }) => at)}::timestamptz[])
      as said (id, at)
    join sessions s on s.id = ${session}
    where (s.opened_at is null or said.at >= s.opened_at)
      and not exists (select from prompts where session_id = s.id and key = said.id)`.execute(tx);
  const unheard = new Set(rows.map(({ id }) => id));
  return comments.filter(({ id }) => unheard.has(id));
}
