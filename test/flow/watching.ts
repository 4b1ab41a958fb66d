import type { Pool } from 'pg';
import { isOver, type Ticket } from '../../src/core/ticket.ts';
import type { ApprovalPolicy } from '../../src/flow/approval.ts';
import type { PeoplePolicy } from '../../src/flow/strangers.ts';
import type { ClaimedRun } from '../../src/store/runs.ts';

/*
 * What must not be, judged by what people said and when, never by what the service made of that.
 */

type Policy = PeoplePolicy & { approval: ApprovalPolicy };

interface Word {
  by: string;
  says: string;
  at: string;
  /** It came while people were asked about the proposal. */
  isAsked: boolean;
}

interface Standing {
  code: string;
  /** By the board's clock; null: nobody can have seen it. */
  shown_at: string | null;
  silent_at: string | null;
  now: string;
  /** Before it would have been silent for long enough, somebody stopped it, closed its ticket or took that away. */
  is_broken: boolean;
  /** What was approved is carried out: what is said from then on is about something else. */
  done: boolean;
  words: Word[];
}

/** A run takes a turn, in which it may change files or not. Throws. */
export async function watchTurn(
  pool: Pool,
  { people, approval }: Policy,
  run: ClaimedRun,
  mayChange: boolean,
): Promise<void> {
  const { rows } = await pool.query<{ standing: Standing }>(
    `select json_build_object('code', p.code, 'now', now(), 'done', p.carried_out_at is not null,
       'shown_at', v.shown_at, 'silent_at', v.silent_at, 'is_broken', exists (
         select from moves m where m.session = s.id and m."to" = 'stopped' and m.at > v.shown_at and m.at <= v.silent_at),
       'words', coalesce((
         select json_agg(json_build_object('by', w.author ->> 'id', 'says', left(w.body, 40), 'at', w.said_at,
           'isAsked', w.seq <= coalesce(p.until_seq, w.seq)) order by w.said_at, w.key)
         from prompts w where w.session_id = p.session_id and w.author ->> 'id' = any($3)
           and w.seq > p.heard_seq and (s.opened_at is null or w.said_at >= s.opened_at)), '[]')) as standing
     from proposals p join sessions s on s.id = p.session_id left join effects e on e.key = p.shown_by
     cross join lateral (select (e.result ->> 'at')::timestamptz as shown_at,
       (e.result ->> 'at')::timestamptz + make_interval(mins => $2) as silent_at) v
     where p.session_id = $1 order by p.number desc limit 1`,
    [run.sessionId, approval.silenceMinutes, people.speak],
  );
  const standing = rows[0]?.standing;
  if (!standing || standing.done) return;
  const { words } = standing;
  const told = `${run.ticket}, run ${run.number}: ${JSON.stringify(standing)}`;
  const last = words.findLast(({ says }) => says !== 'stop');
  if (last && no.includes(last.says) && last.isAsked) throw new Error(`it is worked on after a no: ${told}`);
  if (mayChange && !isApproved(standing, approval.by))
    throw new Error(`files may be changed, and nobody has said yes: ${told}`);
}

/** What people say here, and what a label says for them. */
const yes = ['yes', 'approve'];
const no = ['no', 'reject'];

/**
 * The newest that decides is a yes of somebody who may say so, to what he named or could see; or nobody has said a word in
 * time.
 */
function isApproved({ code, shown_at, silent_at, now, is_broken, words }: Standing, approvers: string[]): boolean {
  const approved = words.findLastIndex(
    ({ by, says, at, isAsked }) =>
      approvers.includes(by) &&
      (says === `approve ${code}` || (yes.includes(says) && isAsked && shown_at !== null && at > shown_at)),
  );
  const rejected = words.findLastIndex(({ says, isAsked }) => no.includes(says) && isAsked);
  if (approved !== -1) return approved > rejected;
  if (silent_at === null || is_broken) return false;
  return now >= silent_at && words.every(({ at }) => at > silent_at);
}

/**
 * A run begins that is to work: nothing may be open that its ticket waits for, but what people said it shall not wait for.
 * Throws.
 */
export async function watchBeginning(pool: Pool, { people }: Policy, run: ClaimedRun, ticket: Ticket): Promise<void> {
  const { rows } = await pool.query<{ begun: boolean; goes_on: boolean; waited: string[] }>(
    `select exists (select from steps where run_id = $1) as begun,
       exists (select from prompts where session_id = $2 and author ->> 'id' = any($3) and body = 'continue') as goes_on,
       coalesce((select array_agg(w -> 'ticket' ->> 'id') from runs r cross join json_array_elements(r.outcome -> 'waits') w
         where r.session_id = $2 and json_typeof(r.outcome -> 'waits') = 'array'), '{}') as waited`,
    [run.id, run.sessionId, people.speak],
  );
  const { begun = false, goes_on = false, waited = [] } = rows[0] ?? {};
  if (begun) return; // another worker had begun it when that was right
  const open = ticket.relations.filter(({ category }) => !isOver(category));
  const wrong = open.filter(
    ({ type, ticket: other }) => type === 'child' || (type === 'blockedBy' && !(goes_on && waited.includes(other.id))),
  );
  if (wrong.length > 0)
    throw new Error(`${run.ticket}, run ${run.number}, is begun while others are open: ${JSON.stringify(wrong)}`);
}

/** Words of strangers that were followed. */
export async function strangersHeard(pool: Pool, { speak }: Policy['people']): Promise<string[]> {
  const { rows } = await pool.query<{ told: string }>(
    `select (p.author ->> 'id') || ' was heard: ' || left(p.body, 40) as told from prompts p join sessions s on s.id = p.session_id
     where p.author ->> 'id' <> all($1) and (p.obeyed or p.said_at in (s.stop_at, s.spoke_at))`,
    [speak],
  );
  return rows.map(({ told }) => told);
}
