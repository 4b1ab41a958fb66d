-- Up Migration

-- A session that rests because it waits, for other tickets and not only for people; and one that leads its sub-tickets
-- instead of working on its own.
alter table sessions
  add column waiting boolean not null default false,
  add column leads boolean not null default false;
create index sessions_to_wake on sessions (id) where waiting or due;
-- Whose branch a change stands on.
create index sessions_branch on sessions (repository, branch) where pull_request is not null;

alter table waits
  -- When what it waited for was seen to have come.
  add column over_at timestamptz,
  -- When the tracker was last asked how the ticket that waits stands; null: it is to be asked now.
  add column seen_at timestamptz,
  -- How often the other ticket was not to be found, one time after the other.
  add column missing integer not null default 0,
  drop constraint waits_until_check,
  add constraint waits_until_check check (until in ('over', 'ready', 'rests'));
create index waits_unseen on waits (session_id) where seen_at is null;

-- Tickets that a session waits for no more, because people said that it shall begin anyway.
create table overrides (
  session_id uuid not null references sessions (id) on delete cascade,
  on_ticket uuid not null,
  since timestamptz not null default now(),
  primary key (session_id, on_ticket)
);

-- Down Migration
-- Forward only: there is no way back.
