-- Up Migration

-- Errors that a source of alerts told of, one row each, whatever number of webhooks.
create table alerts (
  id uuid primary key,
  source text not null,
  project text not null,
  -- The source's own id of the error.
  error text not null,
  -- What people call it, and where they see it; null: not known yet.
  name text,
  url text,
  state text not null default 'new' check (state in ('new', 'waiting', 'capped', 'filing', 'filed', 'left')),
  -- How often webhooks told of it.
  told int not null default 1,
  told_at timestamptz not null default now(),
  -- When it is looked at next; null: when something is told of it. Whoever looks puts it off.
  look_at timestamptz,
  -- When it was last looked at, and how often in a row in vain.
  looked_at timestamptz,
  tries int not null default 0,
  -- Grows with each webhook that changes when it is looked at: whoever has looked knows by it whether to look again.
  hints int not null default 0,
  -- As the source had it: 'open', 'resolved', 'archived'; null: not known.
  status text,
  -- It was told that it came back, and it was not resolved since.
  came_back boolean not null default false,
  -- Of its stack trace, as of captures; null: not known, or it has none.
  fingerprint text,
  -- As it was filed; null: it was not.
  level text,
  -- The place among the tickets of its project on that day (UTC), from 1: the cap. null: it has none.
  day date,
  nth int,
  -- By which `captures` files it.
  batch uuid,
  hint json,
  -- Why nothing was done about it, for people.
  reason text,
  -- How often it was reopened.
  returns int not null default 0,
  -- When the pull request of its ticket was seen merged, its number, which release has that, and since when; and what the
  -- ticket was told of it.
  fixed_at timestamptz,
  request int,
  release text,
  released_at timestamptz,
  answer text,
  created_at timestamptz not null default now(),
  unique (source, project, error),
  unique (source, project, day, nth)
);
create index alerts_due on alerts (look_at) where look_at is not null;
create index alerts_unfiled on alerts (told_at) where batch is null;
create index alerts_fingerprint on alerts (fingerprint) where fingerprint is not null;
create index alerts_batch on alerts (batch) where batch is not null;

-- What people were told of a project's day: that its tickets are used up.
create table alert_days (
  source text not null,
  project text not null,
  day date not null,
  -- The ticket on which it was told; null: it was told nowhere yet.
  told_on json,
  told_at timestamptz,
  primary key (source, project, day)
);

-- Down Migration
-- Forward only: there is no way back.
