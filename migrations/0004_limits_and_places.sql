-- Up Migration

-- Accounts (of a tracker, of a code host) that asked us to wait: nothing is sent to one before `open_at`, by any process.
create table accounts (
  name text primary key,
  open_at timestamptz not null,
  -- When the wait that is under way, or was the last, began.
  closed_at timestamptz not null default now()
);

-- How often an effect that had failed for good was made pending again.
alter table effects add column redrives int not null default 0;

-- The data directory in which the session's workspace was last taken or opened: a copy in any other is out of date.
alter table sessions add column workspace_in text;

-- Down Migration
-- Forward only: there is no way back.
