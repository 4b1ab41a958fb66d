import { sql } from 'kysely';
import type { SessionState } from '../core/session.ts';
import type { Found, Waiting } from '../core/summary-text.ts';
import type { TicketHint } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database } from './database.ts';

interface FoundRow {
  by: string;
  given_back: boolean;
  hint: TicketHint | null;
  state: SessionState | null;
  words: string | null;
  url: string | null;
  usd: string | null;
}

const lastWords = sql`
  left join lateral (
    select activity ->> 'body' as words from activities
    where session_id = s.id and activity ->> 'type' in ('response', 'error', 'elicitation')
    order by seq desc limit 1) a on true`;
/** A change that was published is shown with its pull request and proof first: of such a run the agent's own words are told. */
const endWords = sql`coalesce(
  (select r.outcome ->> 'message' from (
    select outcome from runs where session_id = s.id and purpose = 'work' and ended_at is not null
    order by number desc limit 1) r where s.state = 'complete' and r.outcome ->> 'proof' is not null),
  a.words)`;
/** What a session has come to: its state, last words, pull request and cost. */
const ofSession = sql`
  s.state, ${endWords} as words, s.pull_request ->> 'url' as url,
  (select sum(u.cost_usd)::text from usage u where u.session_id = s.id) as usd`;
/** Begun since then, or come to rest since then: what was still at work when it was last told is told again. */
const isNews = (since: Date) =>
  sql`(x.at > ${since} or (s.updated_at > ${since} and s.state not in ('pending', 'active')))`;

export async function foundByAutomations(db: Database, since: Date): Promise<Found[]> {
  const found = await sql<FoundRow>`
    select x.automation as by, false as given_back, x.hint, s.state, coalesce(x.reason, ${endWords}) as words, s.pull_request ->> 'url' as url,
      (select sum(u.cost_usd)::text from usage u where u.session_id = s.id) as usd
    from automation_runs x left join sessions s on s.id = x.session_id ${lastWords}
    where x.state <> 'skipped' and ${isNews(since)} order by x.due_at limit 200`.execute(db);
  return found.rows.map(toFound);
}

export async function takenByOrders(db: Database, since: Date): Promise<Found[]> {
  const found = await sql<FoundRow>`
    select x.order_name as by, x.state = 'declined' as given_back, x.hint, ${ofSession}
    from order_picks x join sessions s on s.id = x.session_id ${lastWords}
    where x.state in ('taken', 'declined') and ${isNews(since)} order by x.at limit 200`.execute(db);
  return found.rows.map(toFound);
}

function toFound({ by, given_back: givenBack, hint, state, words, url, usd }: FoundRow): Found {
  return { by, ticket: hint, givenBack, state, words, pullRequest: url, usd: usd === null ? null : Number(usd) };
}

export async function skippedAutomations(
  db: Database,
  since: Date,
): Promise<{ by: string; times: number; reason: string }[]> {
  const found = await sql<{ by: string; times: number; reason: string }>`
    select automation as by, count(*)::int as times, coalesce(max(reason), '') as reason
    from automation_runs where state = 'skipped' and at > ${since} group by automation order by automation`.execute(db);
  return found.rows;
}

/** Sessions that wait for people, the longest first; what waits for another ticket waits for nobody. */
export async function waitingForPeople(db: Database, since: Date): Promise<Waiting[]> {
  const found = await sql<{ hint: TicketHint; words: string | null; is_new: boolean }>`
    select t.hint, a.words, s.updated_at > ${since} as is_new
    from sessions s join tickets t on t.id = s.ticket_id ${lastWords}
    where s.state = 'awaitingInput' and not s.waiting order by s.updated_at limit 200`.execute(db);
  return found.rows.map(({ hint, words, is_new }) => ({ ticket: hint, asked: words ?? '', isNew: is_new }));
}

export async function pausedRecurring(
  db: Database,
  since: Date,
): Promise<{ name: string; why: string; isNew: boolean }[]> {
  const found = await sql<{ name: string; why: string; is_new: boolean }>`
    select name, coalesce(paused_why, '') as why, paused_at > ${since} as is_new
    from recurring where paused_at is not null order by name`.execute(db);
  return found.rows.map(({ is_new, ...row }) => ({ ...row, isNew: is_new }));
}

/** A day's summary that is to be filed, or was. */
export interface StoredSummary {
  id: string;
  dueAt: Date;
  title: string;
  body: string | null;
}

/** When the last one was due, and when the last that was told was written: what came later is told by the next. */
export async function lastSummary(db: Database): Promise<{ dueAt: Date; at: Date | null } | null> {
  const row = await db
    .selectFrom('summaries as s')
    .select((query) => [
      's.due_at as dueAt',
      query
        .selectFrom('summaries')
        .select('at')
        .where('state', '<>', 'failed')
        .orderBy('due_at', 'desc')
        .limit(1)
        .as('at'),
    ])
    .orderBy('s.due_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** One a day: whoever is first writes down what is told. Without a body there is nothing to tell. */
export async function addSummary(db: Database, summary: StoredSummary & { since: Date }): Promise<void> {
  await db
    .insertInto('summaries')
    .values({
      id: summary.id,
      due_at: summary.dueAt,
      since: summary.since,
      state: summary.body === null ? 'nothing' : 'filing',
      title: summary.title,
      body: summary.body,
      reason: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function unfiledSummaries(db: Database): Promise<StoredSummary[]> {
  const rows = await db
    .selectFrom('summaries')
    .select(['id', 'due_at', 'title', 'body'])
    .where('state', '=', 'filing')
    .orderBy('due_at')
    .execute();
  return rows.map(({ due_at, ...row }) => ({ ...row, dueAt: due_at }));
}

export async function settleSummary(
  db: Database,
  id: string,
  settled: { hint: TicketHint } | { reason: string },
): Promise<void> {
  const changes =
    'hint' in settled
      ? { state: 'filed' as const, hint: toJson(settled.hint) }
      : { state: 'failed' as const, reason: settled.reason };
  await db.updateTable('summaries').set(changes).where('id', '=', id).where('state', '=', 'filing').execute();
}
