-- Up Migration

-- A row to lock, for what only one process may do at a time.
create table locks (name text primary key);
insert into locks values ('sort');

-- Accounts (of a tracker, of a code host) that asked us to wait: nothing is sent to one before `open_at`, by any process.
create table accounts (
  name text primary key,
  open_at timestamptz not null,
  -- When the wait that is under way, or was the last, began.
  closed_at timestamptz not null default now()
);

-- Work that comes round: when it last began, and until when whoever does it now holds it.
create table schedules (
  name text primary key,
  ran_at timestamptz not null,
  busy_until timestamptz
);

-- What was used of each limit that several runs share, calls that are under way included at the most they can use: of
-- `ticket/<id>`, `team/<name>/<day>` and `day/<day>`. A reservation brings the limit along, and the constraint refuses it; a
-- settlement takes the limit away, because what was really used is a fact. So no limit is passed, however many call at once.
create table spending (
  account text primary key,
  turns bigint not null default 0,
  tokens bigint not null default 0,
  usd numeric(16, 6) not null default 0,
  turn_limit bigint,
  token_limit bigint,
  usd_limit numeric(16, 6),
  constraint spending_within_limits check (
    (turn_limit is null or turns <= turn_limit)
    and (token_limit is null or tokens <= token_limit)
    and (usd_limit is null or usd <= usd_limit)
  )
) with (fillfactor = 50);
insert into spending (account, turns, tokens, usd)
select 'ticket/' || sessions.ticket_id, count(*),
  sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens), coalesce(sum(cost_usd), 0)
from usage join sessions on sessions.id = usage.session_id
group by sessions.ticket_id;

-- What is set aside for one model call: replaced when its step is begun again, gone when it completes. One whose run ended
-- without it is cleared away by whoever needs the room.
create table reservations (
  step_id uuid primary key references steps (id) on delete cascade,
  run_id uuid not null references runs (id) on delete cascade,
  accounts text[] not null,
  tokens bigint not null,
  usd numeric(16, 6) not null
);

alter table deliveries
  -- Of a delivery about a ticket that has no session yet: what it waits for.
  add column ticket uuid;
create index deliveries_waiting on deliveries (ticket) where ticket is not null;
create index deliveries_received on deliveries (received_at);
create index deliveries_failed on deliveries (id) where outcome like 'failed:%';

alter table effects
  -- How often one that had failed for good was made pending again.
  add column redrives int not null default 0;
create index effects_failed on effects (session_id, seq) where state = 'failed';
create index effects_code on effects (session_id, seq) where lane = 'code';

alter table steps
  -- How long the run had been worked on when the step completed, by a clock that does not jump; verification does not count.
  add column worked_ms bigint;

-- What each session was told, as registers that the latest event wins, so that it comes to the same in whatever order and
-- however often the events arrive (core/attention.ts). Times are the tracker's own.
alter table sessions
  -- The first time that the ticket was given to the agent: what was said before is part of the ticket.
  add column opened_at timestamptz,
  add column given boolean not null default true,
  add column given_at timestamptz,
  add column closed boolean not null default false,
  add column closed_at timestamptz,
  -- The newest stop, and the newest of all other words.
  add column stop_at timestamptz,
  add column spoke_at timestamptz,
  -- What a run has answered by its end: the assignment of this time, and the prompts up to this `seq`, read or not.
  add column answered_at timestamptz,
  add column answered_seq bigint not null default 0,
  -- It was ended because its ticket was not to be found. When the ticket is there again, it goes on.
  add column gone boolean not null default false,
  -- The data directory in which its workspace was last taken or opened: a copy in any other is out of date.
  add column workspace_in text,
  -- `updated_at` as it was when what it needs no more was last cleared away. They differ: there may be something again.
  add column tidied_at timestamptz,
  -- When the bodies of its steps were deleted.
  add column forgotten_at timestamptz;
-- What rests goes on resting: all that was said to it counts as answered, and a stop as the newest word.
update sessions set
  answered_seq = coalesce((select max(seq) from prompts where session_id = sessions.id), 0),
  stop_at = case when state = 'stopped' then updated_at end
where state in ('awaitingInput', 'complete', 'error', 'stopped');
create index sessions_latest on sessions (updated_at desc);
create index sessions_untidy on sessions (updated_at)
  where state in ('awaitingInput', 'complete', 'error', 'stopped') and tidied_at is distinct from updated_at;
create index sessions_remembered on sessions (updated_at)
  where state in ('awaitingInput', 'complete', 'error', 'stopped') and (forgotten_at is null or forgotten_at < updated_at);

alter table runs
  -- Which of those that wait is next: the most pressing first, then the oldest, fair between teams. Copied from the ticket
  -- when the run is queued. Older processes leave the defaults.
  add column priority int not null default 4,
  add column team text not null default '',
  -- Workers that fell while the run was at `lost_step` and had completed nothing since: a step that ends its worker each time
  -- is found by them. Older processes leave them as they are.
  add column lost_workers text[] not null default '{}',
  add column lost_step text,
  add column lost_at timestamptz,
  -- Since when an outside service that it needs has been away.
  add column away_since timestamptz,
  -- What the ticket was last told of its place in the queue.
  add column told_place int,
  add column told_place_at timestamptz;
-- Runs that nobody has begun, a line for each priority and team; and those that somebody has, few at any time.
create index runs_fresh on runs (priority, team, queued_at) where ended_at is null and started_at is null;
create index runs_begun on runs (priority, queued_at) where ended_at is null and started_at is not null;

-- Down Migration
-- Forward only: there is no way back.
