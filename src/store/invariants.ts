import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';
import { isOpen } from './waits.ts';

/** Something that must hold and does not. */
export interface Violation {
  /** Name of the check. */
  check: string;
  /** Id of the row that offends: a session's, where there is one. */
  id: string;
  /** "ENG-123"; null where no ticket is known. */
  ticket: string | null;
  explanation: string;
}

export interface InvariantReport {
  /** What was checked, and how long each took. */
  checked: { name: string; holds: string; remedy: string; ms: number }[];
  violations: Violation[];
}

export interface InvariantOptions {
  /** A live service has work in flight, which has its time; otherwise everything must have come to its end. */
  live: boolean;
  /** Sessions at rest are looked at when they changed in so many days; null: all of them. */
  days: number | null;
}

interface Check {
  name: string;
  /** What must hold, for people. */
  holds: string;
  remedy: string;
  /** Rows of `id`, `session_id` (or null) and `explanation`. */
  violations(scope: Scope): RawBuilder<Found>;
}

interface Found {
  id: string;
  session_id: string | null;
  explanation: string;
}

interface Scope {
  live: boolean;
  /** Sessions at rest that are looked at. */
  resting: RawBuilder<unknown>;
  /** An age that is too old for what is in flight: nothing is in flight when the service is not live. */
  olderThan(column: string, seconds: number): RawBuilder<boolean>;
}

/** Violations of one check that are told. */
const mostOfEach = 20;

const restart = 'Restart the workers; if it comes back, report it with the log of this run.';
const report = 'This must never happen: report it, with the output of `shipmate sessions show TICKET --json`.';

/** The end that a run wrote. */
const endKey = sql`r.session_id || '/run/' || r.number || '/ended/activity/0'`;
const cappedKey = sql`s.id || '/capped/' || coalesce(r.number, 0) || '/activity/0'`;
const lastRun = sql`lateral (select * from runs r where r.session_id = s.id order by r.number desc limit 1) r`;

const checks: Check[] = [
  {
    name: 'active session has a live run',
    holds: 'A session that is at work has a run that has not ended.',
    remedy: 'Comment "continue" on the ticket; report it if it comes back.',
    violations: () => sql`
      select s.id, s.id as session_id, 'it is active, and no run of it is live' as explanation from sessions s
      where s.state = 'active' and not exists (select from runs r where r.session_id = s.id and r.ended_at is null)`,
  },
  {
    name: 'live run has an active session',
    holds: 'A run that has not ended belongs to an active session.',
    remedy: report,
    violations: () => sql`
      select r.id, s.id as session_id, format('run %s is live, and its session is %s', r.number, s.state) as explanation
      from runs r join sessions s on s.id = r.session_id where r.ended_at is null and s.state <> 'active'`,
  },
  {
    name: 'one live run',
    holds: 'No session has two runs that have not ended.',
    remedy: report,
    violations: () => sql`
      select session_id as id, session_id, format('%s runs are live', count(*)) as explanation from runs
      where ended_at is null group by session_id having count(*) > 1`,
  },
  {
    name: 'session was begun',
    holds: 'A session that was opened gets its first run in the same transaction, or rests.',
    remedy: 'Comment on the ticket to begin it; report it if it comes back.',
    violations: ({ olderThan }) => sql`
      select s.id, s.id as session_id, 'it was opened and never begun' as explanation from sessions s
      where s.state = 'pending' and ${olderThan('s.created_at', 60)}`,
  },
  {
    name: 'run is held',
    holds: 'A run whose worker fell silent is taken over by another.',
    remedy: 'See that a worker runs (`shipmate worker`), and has a free slot.',
    violations: ({ live }) => sql`
      select r.id, r.session_id, case when ${live} then format('worker %s fell silent at %s', r.worker, r.heartbeat_at)
        else 'it never ended' end as explanation
      from runs r where r.ended_at is null and (not ${live}
        or (r.worker is not null and r.not_before < now() - interval '5 minutes' and r.heartbeat_at < now() - interval '5 minutes'))`,
  },
  {
    name: 'something is shown',
    holds: 'A session at work has shown something in the last 30 minutes.',
    remedy: restart,
    violations: ({ live }) => sql`
      select s.id, s.id as session_id, 'nothing was shown for 30 minutes' as explanation from sessions s
      join runs r on r.session_id = s.id and r.ended_at is null
      where ${live} and s.state = 'active' and r.purpose = 'work' and r.queued_at < now() - interval '30 minutes' and not exists (
        select from activities a where a.session_id = s.id and a.created_at > now() - interval '30 minutes')`,
  },
  {
    name: 'delivery is sorted',
    holds: 'No delivery waits to be sorted, or to be read again though that is due, for longer than a minute.',
    remedy: 'See that the web part runs (`shipmate web` or `shipmate start`), with the tracker that it is from.',
    violations: ({ olderThan }) => sql`
      select d.id::text, null::uuid as session_id, format('%s delivery %s came at %s', d.source, d.delivery_id, d.received_at) as explanation
      from deliveries d where (d.sorted_at is null and ${olderThan('d.received_at', 60)}
        and (d.try_at is null or ${olderThan('d.try_at', 60)})) or (d.is_hint and ${olderThan('d.try_at', 60)})`,
  },
  {
    name: 'delivery is understood',
    holds: 'Every delivery could be sorted.',
    remedy: 'When its reason is mended: shipmate sessions redrive --deliveries',
    violations: () => sql`
      select d.id::text, null::uuid as session_id, format('%s delivery %s: %s', d.source, d.delivery_id, d.outcome) as explanation
      from deliveries d where d.outcome like 'failed:%'`,
  },
  {
    name: 'wish is heard',
    holds: 'A session at rest has nothing left to do: what it was given and told was answered, or ended by a stop.',
    remedy: 'Comment "continue" on the ticket; report it if it comes back.',
    // As core/attention.ts decides it. One that has started too many runs waits, and has said so.
    violations: ({ resting }) => sql`
      select s.id, s.id as session_id, case when s.unread then 'what people said was not read'
        else 'the ticket was given to the agent again, or opened again, and it did not begin' end as explanation
      from (select s.*, exists (
          select from prompts p where p.session_id = s.id and p.read_at is null and p.obeyed and p.signal is distinct from 'stop'
            and p.seq > s.answered_seq and (s.opened_at is null or p.said_at >= s.opened_at)
            and (not s.waiting or p.signal = 'continue')) as unread
        from (${resting}) s) s
      left join ${lastRun} on true
      where s.given and not s.closed and (s.unread or (s.asked and s.edited_at > coalesce(s.edits_read_at, '-infinity')) or s.given_at > coalesce(s.answered_at, '-infinity')
          -- Finished work rests when its ticket is opened again, and says so.
          or (s.state <> 'complete' and s.over_at > coalesce(s.answered_at, '-infinity')))
        and not (s.stop_at is not null and s.stop_at >= coalesce(s.given_at, '-infinity')
          and s.stop_at >= coalesce(s.spoke_at, '-infinity'))
        and not exists (select from effects e where e.key = ${cappedKey})`,
  },
  {
    name: 'preview is tried',
    holds: "What a repository wants run against the preview of an open pull request's newest commit is run.",
    remedy: restart,
    violations: ({ olderThan }) => sql`
      select p.url as id, p.session_id, format('it is due since %s, after %s tries', p.run_at, p.tries) as explanation
      from previews p join followed_requests f on f.session_id = p.session_id and f.head = p.head
      where ${olderThan('p.run_at', 3600)} and f.phase in ('checking', 'mending', 'stuck', 'green')`,
  },
  {
    name: 'waiting ends',
    holds: 'A session that waits has something to wait for, and one that is due has begun.',
    remedy: restart,
    violations: ({ live }) => sql`
      select s.id, s.id as session_id, case when s.due then 'it was due, and did not begin'
        when s.state <> 'awaitingInput' then format('it waits, and is %s', s.state)
        else 'nothing is left to wait for, and it did not begin' end as explanation
      from sessions s where (s.waiting and s.state <> 'awaitingInput')
        or (s.due and s.state not in ('pending', 'active') and s.updated_at < now() - make_interval(secs => ${live ? 3600 : 0}))
        or ((s.waiting or s.state = 'awaitingInput' and exists (select from waits w where w.session_id = s.id))
          and not exists (select from waits w where w.session_id = s.id and (${isOpen}
          -- The sweep has its time; when the other session came to rest is told by its row.
          or ${live} and (w.over_at > now() - interval '1 minute' or exists (
            select from sessions o where o.ticket_id = w.on_ticket and o.updated_at > now() - interval '1 minute')))))`,
  },
  {
    name: 'end is told',
    holds: 'Every ended run has an outcome and, unless it only rated the ticket, said so there.',
    remedy: report,
    violations: ({ resting }) => sql`
      select r.id, s.id as session_id,
        case when r.outcome is null then format('run %s has no outcome', r.number)
          else format('run %s ended without a word', r.number) end as explanation
      from (${resting}) s join runs r on r.session_id = s.id and r.ended_at is not null
      where r.outcome is null or r.purpose = 'work' and not (
        exists (select from effects e where e.key = ${endKey})
        or exists (select from activities a where a.session_id = s.id and a.created_at = r.ended_at))`,
  },
  {
    name: 'question is asked',
    holds: 'A session that waits for an answer asked for it last.',
    remedy: 'Comment "continue" on the ticket; report it if it comes back.',
    violations: ({ resting }) => sql`
      select s.id, s.id as session_id, 'it waits for an answer, and its last run ended without a question' as explanation
      from (${resting}) s left join ${lastRun} on true
      where s.state = 'awaitingInput' and not exists (
        select from effects e where e.key in (${endKey}, ${cappedKey}) and e.operation -> 'activity' ->> 'type' = 'elicitation')
        and not exists (select from followed_requests f where f.session_id = s.id and f.asked)`,
  },
  {
    name: 'one open proposal',
    holds: 'Of what a session has proposed only the newest can be open.',
    remedy: report,
    violations: () => sql`
      select p.id, p.session_id, format('the %s %s is open, and a newer one was proposed', p.content ->> 'kind', p.code) as explanation
      from proposals p where p.state = 'open' and exists (
        select from proposals n where n.session_id = p.session_id and n.number > p.number)`,
  },
  {
    name: 'change is published',
    holds: 'A session that is complete with a change has its branch, commit and pull request.',
    remedy: 'See `shipmate sessions failed`; then comment "continue" on the ticket.',
    violations: ({ resting }) => sql`
      select s.id, s.id as session_id, format('branch %s, commit %s, pull request %s', coalesce(s.branch, 'none'),
        coalesce(s.head_commit, 'none'), coalesce(s.pull_request ->> 'url', 'none')) as explanation
      from (${resting}) s join ${lastRun} on true
      where s.state = 'complete' and r.outcome ->> 'proof' is not null
        and (s.branch is null or s.head_commit is null or s.pull_request is null)
        and not exists (select from effects e where e.session_id = s.id and e.state = 'pending')`,
  },
  {
    name: 'effect leaves',
    holds: 'An effect that is due is sent; each is settled in the end.',
    remedy:
      'See that a web or worker part runs, and its log; `shipmate sessions show TICKET` says what does not leave.',
    violations: ({ live }) => sql`
      select e.id, e.session_id, format('%s is pending since %s%s', e.key, e.created_at, coalesce(': ' || e.error, '')) as explanation
      from effects e
      where e.state = 'pending' and (not ${live} or (
        e.not_before < now() - interval '10 minutes' and e.created_at < now() - interval '10 minutes'
        and (e.leased_until is null or e.leased_until < now() - interval '10 minutes')
        and not exists (select from effects b where b.session_id = e.session_id and b.lane = e.lane
          and b.state = 'pending' and b.seq < e.seq)
        and not exists (select from effects n where n.key = any(e.needs) and n.state = 'pending')))`,
  },
  {
    name: 'needs can be met',
    holds: 'What an effect waits for exists and has not failed.',
    remedy: report,
    violations: () => sql`
      select e.id, e.session_id, format('%s needs %s, which %s', e.key, need, coalesce('is ' || n.state, 'does not exist')) as explanation
      from effects e cross join unnest(e.needs) as need left join effects n on n.key = need
      where e.state = 'pending' and (n.key is null or n.state in ('failed', 'dropped'))`,
  },
  {
    name: 'failure is told',
    holds: 'What failed for good was told on its ticket.',
    remedy: 'Tell people yourself; then: shipmate sessions redrive TICKET',
    violations: () => sql`
      select e.id, e.session_id, format('%s failed: %s', e.key, e.error) as explanation from effects e
      where e.state = 'failed' and e.operation ->> 'kind' not in ('postActivity', 'updatePlan', 'leaveConversation')
        and e.error not like 'it needs %' and e.error not like 'the ticket is gone%'
        and not exists (select from effects t where t.key = e.session_id || '/failed/' || e.key || '/activity/0')`,
  },
  {
    name: 'words arrive',
    holds: 'What was said on a ticket has arrived there, unless the ticket is gone.',
    remedy: 'Tell people yourself what `shipmate sessions show TICKET` says; then: shipmate sessions redrive TICKET',
    violations: () => sql`
      select e.id, e.session_id, format('%s failed: %s', e.key, e.error) as explanation from effects e
      where e.state = 'failed' and not e.ephemeral and e.operation ->> 'kind' = 'postActivity'
        and e.error not like 'it needs %' and e.error not like 'the ticket is gone%'`,
  },
  {
    name: 'step has its result',
    holds: 'A completed step has a result.',
    remedy: report,
    violations: ({ resting }) => sql`
      select p.id, s.id as session_id, format('step %s was completed without a result', p.key) as explanation
      from (${resting}) s join steps p on p.session_id = s.id
      where p.completed_at is not null and p.result is null and p.input is not null`,
  },
  {
    name: 'nothing after the end',
    holds: 'No step of a run was written after its end.',
    remedy: report,
    violations: ({ resting }) => sql`
      select p.id, s.id as session_id, format('step %s of run %s, which ended at %s', p.key, r.number, r.ended_at) as explanation
      from (${resting}) s join runs r on r.session_id = s.id and r.ended_at is not null
      join steps p on p.session_id = s.id and p.run_id = r.id
      -- A moment, because both are the times at which their transactions began.
      where greatest(p.begun_at, p.completed_at) > r.ended_at + interval '5 seconds'`,
  },
  {
    name: 'hand-over is taken',
    holds: 'A run that used a tool began with what had been handed over before it.',
    remedy: report,
    violations: ({ resting }) => sql`
      select h.id, s.id as session_id, format('run %s worked without what %s had handed over', r.number, h.by ->> 'name') as explanation
      from handovers h join (${resting}) s on s.ticket_id = h.ticket_id
      join runs r on r.session_id = s.id and r.queued_at > h.created_at
      where h.run_id is null and exists (select from steps p where p.run_id = r.id and p.kind = 'tool')`,
  },
  {
    name: 'capture is tried',
    holds: 'What people brought to be filed is tried again when its time has come.',
    remedy: 'See that the service runs (`shipmate start`); what is kept is filed by itself then.',
    violations: ({ olderThan }) => sql`
      select c.id, null::uuid as session_id, format('"%s" waits since %s: %s', left(c.draft ->> 'title', 80), c.created_at, c.reason) as explanation
      from captures c where c.state = 'filing' and ${olderThan('c.try_at', 300)}`,
  },
  {
    name: 'capture has its ticket',
    holds: 'Everything that was filed is a ticket of its own.',
    remedy: report,
    violations: () => sql`
      select c.id, null::uuid as session_id, case when c.hint is null then 'it is filed, and nobody knows where'
        else format('%s was filed for another, too', c.hint ->> 'identifier') end as explanation
      from (
        -- Not by looking for another of each: that takes the square of how many there are.
        select id, state, comment, hint, count(*) filter (where comment is null) over (partition by tracker, hint ->> 'id') as filed
        from captures
      ) c
      where c.state = 'filed' and (c.hint is null or (c.comment is null and c.filed > 1))`,
  },
];

/**
 * Whether the database holds what it must, check by check. Quick on a live database of any size with `days`: what is in
 * flight and what lately came to rest is found by index.
 */
export async function checkInvariants(db: Database, options: InvariantOptions): Promise<InvariantReport> {
  const { live, days } = options;
  const scope: Scope = {
    live,
    resting: sql`
      select * from sessions where state in ('awaitingInput', 'complete', 'error', 'stopped')
        and ${days === null ? sql`true` : sql`updated_at > now() - make_interval(secs => ${days * 86_400})`}`,
    olderThan: (column, seconds) => sql`${sql.ref(column)} < now() - make_interval(secs => ${live ? seconds : 0})`,
  };
  const checked: InvariantReport['checked'] = [];
  const violations: Violation[] = [];
  for (const { name, holds, remedy, violations: find } of checks) {
    const began = performance.now();
    const { rows } = await sql<Found & { ticket: string | null }>`
      select v.id, v.explanation, t.identifier as ticket
      from (select * from (${find(scope)}) found limit ${mostOfEach}) v
      left join sessions s on s.id = v.session_id left join tickets t on t.id = s.ticket_id`.execute(db);
    for (const { id, ticket, explanation } of rows) violations.push({ check: name, id, ticket, explanation });
    checked.push({ name, holds, remedy, ms: performance.now() - began });
  }
  return { checked, violations };
}
