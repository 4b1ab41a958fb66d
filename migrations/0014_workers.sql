-- Up Migration

-- Processes that work on runs, and on how many at once: who takes work by itself takes no more than all of them have room for.
create table workers (
  name text primary key,
  slots int not null,
  seen_at timestamptz not null default now()
);

-- Down Migration
-- Forward only: there is no way back.
