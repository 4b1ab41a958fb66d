import { sql } from 'kysely';
import type { Lane, Operation } from '../core/effect.ts';
import { toJson } from '../lib/json.ts';
import type { Database } from './database.ts';
import { type ClaimedEffect, fromNow, leaseSeconds } from './effects.ts';

/** So many effects of a lane are sent together, where a tracker gathers them. */
const togetherAtMost = 20;

/**
 * Nobody waits for these: what a step shows in passing, and that a model makes us wait. Everything else takes them along at
 * once; that a run which was silent for long is still at work, too, for its tracker counts the minutes.
 */
const isPatient = sql<boolean>`((o.step_id is not null and o.operation ->> 'kind' = 'updatePlan')
  or ((o.step_id is not null or o.key like '%/wait/%') and o.operation ->> 'kind' = 'postActivity'
    and o.operation -> 'activity' ->> 'type' in ('thought', 'action')))`;

/**
 * The longer a run has been at work, the longer: a fifth of that, so that its documents grow in number with the logarithm of
 * its time, as long as a turn takes some minutes at most. People never see it later than `mostTimes` what the tracker gathers at first.
 */
const mostTimes = 40;
const gatheredFor = sql<number>`greatest(a.gather, least(a.gather * ${mostTimes}, (
  select extract(epoch from e.created_at - r.started_at)::float8 / 5 from runs r where r.id = e.run_id)))`;

export interface Claiming {
  worker: string;
  /** Ids of the effects that this process is sending. */
  inHand: ReadonlySet<string>;
  /** The account by which each repository is reached, by the repository's name. */
  accounts: Record<string, string>;
  /** Trackers that gather, by kind: for so many seconds at first. */
  gather: Record<string, number>;
}

/**
 * Takes the first pending effect of each session and lane that is free, `limit` of them at most, and leases it; where the
 * tracker gathers, with those that follow it. Ephemeral ones that something later has overtaken are dropped. What would go
 * to an account that is closed waits, and is not even looked at: however much it is, it holds up no other.
 */
export async function claimEffects(
  db: Database,
  { worker, inHand, accounts, gather }: Claiming,
  limit: number,
): Promise<ClaimedEffect[]> {
  // A claim whose answer was lost on the way left leases that nobody knows of: old ones of this worker, not in its hand.
  const isFree = sql`(e.leased_until is null or e.leased_until < now() or (
    e.leased_by = ${worker} and e.id <> all(${[...inHand]}::uuid[])
    and e.leased_until < now() + make_interval(secs => ${leaseSeconds - 3})))`;
  const waits = sql`exists (select 1 from effects n where n.key = any(e.needs) and n.state <> 'done')`;
  const claimed = await sql<{
    id: string;
    session_id: string;
    run_id: string | null;
    ticket: string;
    key: string;
    lane: Lane;
    operation: Operation;
    account: string | null;
    tries: number;
    redrives: number;
    lease: string;
    seq: number;
  }>`
    with recursive busy as (
      -- Sessions and lanes with something pending, from one to the next: of each the index is read at one place.
      (select session_id, lane from effects where state = 'pending' order by session_id, lane limit 1)
      union all
      select next.session_id, next.lane from busy cross join lateral (
        select n.session_id, n.lane from effects n
        where n.state = 'pending' and (n.session_id, n.lane) > (busy.session_id, busy.lane)
        order by n.session_id, n.lane limit 1
      ) next
    ), lanes as materialized (
      select busy.session_id, busy.lane, case busy.lane when 'ticket' then t.account end as account,
        case busy.lane when 'ticket' then t.seconds end as gather
      from busy join sessions s on s.id = busy.session_id
      cross join lateral (
        select 'tracker/' || t.tracker || coalesce('/' || (t.hint ->> 'account'), '') as account,
          (${toJson(gather)}::json ->> t.tracker)::float8 as seconds
        from tickets t where t.id = s.ticket_id
      ) t
      where busy.lane = 'code' or not exists (select 1 from accounts c where c.open_at > now() and c.name = t.account)
    ), dropped as (
      update effects e set state = 'dropped', settled_at = now()
      from lanes cross join lateral (
        select e.id from effects e
        where e.session_id = lanes.session_id and e.lane = lanes.lane and e.state = 'pending' and e.ephemeral and ${isFree}
          and exists (
            select 1 from effects l
            where l.session_id = e.session_id and l.lane = e.lane and l.state = 'pending' and l.seq > e.seq
              -- A plan gives way to a later plan only: the last one must be seen.
              and (e.operation ->> 'kind' <> 'updatePlan' or l.operation ->> 'kind' = 'updatePlan')
          )
        offset 0 -- lane by lane, and never all that is pending
      ) overtaken
      where e.id = overtaken.id and e.state = 'pending' and ${isFree}
      returning e.id
    ), heads as (
      -- What waits for an effect of the other lane holds up nothing: a code host that is away must not silence the ticket.
      select first.id, lanes.account, lanes.gather from lanes cross join lateral (
        select e.id from effects e
        where e.session_id = lanes.session_id and e.lane = lanes.lane and e.state = 'pending'
          and e.id not in (select id from dropped) and not ${waits}
        order by e.seq limit 1
      ) first
    ), chosen as (
      select e.id, e.session_id, e.seq, a.account, a.gather from effects e
      join heads using (id)
      cross join lateral (
        select case e.lane when 'ticket' then heads.account
          else ${toJson(accounts)}::json ->> (e.operation ->> 'repository') end as account,
          heads.gather) a
      where e.state = 'pending' and e.not_before <= now() and ${isFree}
        and not exists (select 1 from accounts c where c.open_at > now() and c.name = a.account)
        and (a.gather is null or e.created_at <= now() - make_interval(secs => ${gatheredFor}) or exists (
          select 1 from effects o
          where o.session_id = e.session_id and o.lane = e.lane and o.state = 'pending' and not ${isPatient}))
      order by e.seq
      for update of e skip locked
      limit ${limit}
    ), following as (
      -- Whoever has the first of them has them all: nobody else takes what follows it. One that has to wait ends the row.
      select id, account from (
        select e.id, c.account, row_number() over lane as place,
          bool_and(e.not_before <= now() and ${isFree} and not ${waits}) over lane as unbroken
        from effects e join chosen c on c.session_id = e.session_id and c.gather is not null
        where e.lane = 'ticket' and e.state = 'pending' and e.seq > c.seq and e.id not in (select id from dropped)
        window lane as (partition by e.session_id order by e.seq)
      ) rest where unbroken and place < ${togetherAtMost}
      limit ${limit * togetherAtMost} -- never more, and PostgreSQL is to know it
    ), taken as (
      select id, account from chosen union all select id, account from following
    )
    update effects set lease = gen_random_uuid(), leased_by = ${worker}, leased_until = ${fromNow}, tries = tries + 1
    from taken where effects.id = taken.id and effects.state = 'pending'
    returning effects.id, session_id, run_id,
      (select t.identifier from sessions s join tickets t on t.id = s.ticket_id where s.id = effects.session_id) as ticket,
      key, lane, operation, taken.account, tries, redrives, lease, seq`.execute(db);
  return claimed.rows
    .sort((a, b) => a.seq - b.seq)
    .map((row) => ({
      id: row.id,
      sessionId: row.session_id,
      runId: row.run_id,
      ticket: row.ticket,
      key: row.key,
      lane: row.lane,
      operation: row.operation,
      account: row.account,
      tries: row.tries,
      redrives: row.redrives,
      lease: row.lease,
    }));
}
