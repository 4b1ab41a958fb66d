-- Up Migration

-- Signed too long ago to be acted on as they are: what they tell is asked of the tracker first.
alter table deliveries add column is_late boolean not null default false;
create index deliveries_late on deliveries (id) where is_late;

-- An account that lets us in no more is closed like one that asked us to wait, and waits for as long as it takes.
alter table accounts add column closed_by text not null default 'rate_limited';

-- What a tracker tells the agent to heed with the tickets of a team.
alter table sessions
  add column guidance text not null default '',
  add column guidance_at timestamptz;

-- Down Migration
-- Forward only: there is no way back.
