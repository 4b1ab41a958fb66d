-- Up Migration

-- How each ticket was rated before work, and beside it what came of it: the newest rating of a session has the end of its
-- newest run.
create table ratings (
  id uuid primary key,
  session_id uuid not null references sessions (id) on delete cascade,
  run_id uuid not null references runs (id) on delete cascade,
  seq bigint generated always as identity,
  confidence text not null check (confidence in ('green', 'yellow', 'red')),
  size text not null check (size in ('S', 'M', 'L')),
  files json not null,
  plan json not null,
  questions json not null,
  parts int not null default 0,
  -- What followed from it by the policy of that time.
  followed text not null,
  repository text not null,
  is_bug boolean not null,
  estimate json,
  made_at timestamptz not null default now(),
  ended_at timestamptz,
  stop_reason text,
  proof text,
  -- Of the whole session until then.
  minutes double precision,
  usd numeric(16, 6),
  -- Paths that the published change touches.
  changed json
);
create index ratings_session on ratings (session_id, seq);
create index ratings_finished on ratings (seq) where stop_reason = 'finished';

alter table sessions
  -- A rating was asked for without the ticket being given, and when of this the last one was made: by our own time.
  add column scope_asked_at timestamptz,
  add column scoped_at timestamptz,
  -- The rating that was asked for is to be told on the ticket.
  add column scope_told boolean not null default false;

-- Whether a run works on its ticket or only rates it.
alter table runs add column purpose text not null default 'work';

-- Down Migration
-- Forward only: there is no way back.
