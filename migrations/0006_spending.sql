-- Up Migration

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

-- What is set aside for one model call: replaced when its step is begun again, gone when it completes. One whose run ended
-- without it is cleared away by whoever needs the room.
create table reservations (
  step_id uuid primary key references steps (id) on delete cascade,
  run_id uuid not null references runs (id) on delete cascade,
  accounts text[] not null,
  tokens bigint not null,
  usd numeric(16, 6) not null
);

-- How long the run had been worked on when the step completed, by a clock that does not jump; verification does not count.
alter table steps add column worked_ms bigint;

insert into spending (account, turns, tokens, usd)
select 'ticket/' || sessions.ticket_id, count(*),
  sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens), coalesce(sum(cost_usd), 0)
from usage join sessions on sessions.id = usage.session_id
group by sessions.ticket_id;

-- Down Migration
-- Forward only: there is no way back.
