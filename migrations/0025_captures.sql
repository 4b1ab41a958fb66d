-- Up Migration

-- What people let their editors and terminals do in their name.
create table personal_tokens (
  id uuid primary key,
  -- SHA-256 of the token; the token itself is nowhere.
  hash bytea not null unique,
  person json not null,
  label text not null,
  created_at timestamptz not null default now(),
  used_at timestamptz,
  revoked_at timestamptz
);

-- What somebody brought to be filed, each concern of it; there before anything is filed, so that it is filed once.
create table captures (
  id uuid primary key,
  -- Those that came together have one; the first of them comes first.
  batch uuid not null,
  place int not null,
  -- The same for what says the same.
  hash text not null,
  person json not null,
  tracker text not null,
  draft json not null,
  assign boolean not null,
  related text[] not null,
  -- Of the error; null: there is none.
  fingerprint text,
  repository text,
  paths text[] not null,
  -- 'filing', 'filed', 'refused'
  state text not null default 'filing',
  -- Where it was added or filed.
  hint json,
  -- It was added to a ticket that was there: what was said there.
  comment text,
  reason text,
  tries int not null default 0,
  try_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);
create index captures_filing on captures (try_at) where state = 'filing';
create index captures_batch on captures (batch, place);
create index captures_fingerprint on captures (fingerprint) where fingerprint is not null;
create index captures_person on captures ((person ->> 'id'), created_at desc);

-- What said the same within some minutes is one.
create table capture_keys (
  hash text primary key,
  batch uuid not null,
  at timestamptz not null default now()
);

-- Down Migration
-- Forward only: there is no way back.
