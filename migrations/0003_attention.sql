-- Up Migration

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
  add column answered_seq bigint not null default 0;

-- A delivery about a ticket that has no session waits for one here; null: it waits for none.
alter table deliveries add column ticket uuid;
create index deliveries_waiting on deliveries (ticket) where ticket is not null;

-- A row to lock, for what only one process may do at a time.
create table locks (name text primary key);
insert into locks values ('sort');

-- Down Migration
-- Forward only: there is no way back.
