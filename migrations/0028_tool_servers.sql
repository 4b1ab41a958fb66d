-- Up Migration

-- The tools of servers that are not ours, as they were when a server was first used or as people accepted them.
create table tool_servers (
  name text primary key,
  version text not null,
  hash text not null,
  tools json not null,
  pinned_at timestamptz not null default now(),
  -- The version that it was last seen with, where that is another.
  seen_version text,
  -- What it lists now, where that is something else: it is off until somebody accepts this.
  offered json,
  offered_at timestamptz
);

-- Down Migration
-- Forward only: there is no way back.
