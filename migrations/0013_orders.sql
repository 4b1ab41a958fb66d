-- Up Migration

-- What standing orders took. The row is there before the ticket is taken, so that it counts whatever becomes of that.
create table order_picks (
  id uuid primary key,
  order_name text not null,
  -- In UTC.
  day date not null,
  -- Its place among those of the day, from 1: the cap. null: the ticket was not to be had, or was given back.
  nth int,
  ticket_id uuid not null,
  hint json not null,
  -- Where the ticket stood.
  category text not null,
  state text not null default 'taking' check (state in ('taking', 'taken', 'skipped', 'declined')),
  why text not null,
  -- The rating that it must have at least, and the one that it got.
  demand text not null,
  rating text,
  -- What the ticket said: one that was given back is looked at again when it says something else.
  fingerprint uuid not null,
  session_id uuid,
  at timestamptz not null default now(),
  unique (order_name, day, nth)
);
create unique index order_picks_ticket on order_picks (ticket_id) where state in ('taking', 'taken');
create index order_picks_of_ticket on order_picks (ticket_id, at);
create index order_picks_session on order_picks (session_id);

-- How far a standing order has looked through what it matches.
create table order_rounds (
  order_name text primary key,
  cursor text,
  -- Seen since it last began at the front, and whether that is more than it can keep in view.
  seen int not null default 0,
  many boolean not null default false,
  -- What was last told in the log, so that it is told once.
  told text
);

-- Tickets that did not fit when they were read; for a while they are not read again.
create table order_passes (
  order_name text not null,
  ticket_id uuid not null,
  at timestamptz not null default now(),
  primary key (order_name, ticket_id)
);

-- What comes round by the clock. What was due before `since` is not made up for.
create table recurring (
  name text primary key,
  since timestamptz not null default now(),
  paused_at timestamptz,
  paused_why text
);

-- One row for each time an automation was due and looked at. `id` is the id under which its ticket is filed.
create table automation_runs (
  id uuid primary key,
  automation text not null,
  due_at timestamptz not null,
  state text not null default 'filing' check (state in ('filing', 'filed', 'skipped', 'failed')),
  draft json not null,
  hint json,
  session_id uuid,
  -- Why it was skipped or failed.
  reason text,
  at timestamptz not null default now(),
  unique (automation, due_at)
);

-- The morning's summaries: what was found between `since` and `due_at`.
create table summaries (
  id uuid primary key,
  due_at timestamptz not null unique,
  since timestamptz not null,
  state text not null check (state in ('filing', 'filed', 'nothing', 'failed')),
  title text not null,
  body text,
  hint json,
  reason text,
  at timestamptz not null default now()
);

-- Down Migration
-- Forward only: there is no way back.
