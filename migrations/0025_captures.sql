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
  person json not null,
  tracker text not null,
  draft json not null,
  -- What of the draft's 'team' and 'project' nobody named: where the tracker refuses it, the ticket is filed without.
  routed text[] not null default '{}',
  assign boolean not null default false,
  -- The ticket that the first of a batch is filed on, for it is related to it; the others are filed on the first.
  related json,
  repository text,
  -- Of the error; null: there is none.
  fingerprint text,
  paths text[] not null default '{}',
  -- 'filing', 'filed', 'refused'
  state text not null default 'filing',
  -- Where it was added or filed.
  hint json,
  -- It is added to a ticket that was there: what people call that, and what is said there.
  add_to text,
  comment text,
  -- The agent has it.
  assigned boolean not null default false,
  -- Why it was refused, or could not be filed the last time.
  reason text,
  -- What the person was told with it, so that it is told the same again.
  notes json not null default '[]',
  duplicates json not null default '[]',
  -- Whoever files it has made it grow, and has it until `try_at`.
  tries int not null default 1,
  try_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  unique (batch, place)
);
create index captures_filing on captures (try_at) where state = 'filing';
create index captures_fingerprint on captures (fingerprint) where fingerprint is not null;
create index captures_person on captures ((person ->> 'id'), created_at desc);
create index captures_newest on captures (tracker, created_at desc);

-- What said the same within some minutes is one.
create table capture_keys (
  hash text primary key,
  batch uuid not null,
  at timestamptz not null default now()
);

-- What people said on a ticket from elsewhere, where no session heard it. Our account showed it there, so no reading of the
-- ticket has it as theirs.
create table said_on_tickets (
  key text primary key,
  tracker text not null,
  ticket text not null,
  person json not null,
  body text not null,
  at timestamptz not null default now()
);
create index said_on_tickets_ticket on said_on_tickets (tracker, ticket);

-- Down Migration
-- Forward only: there is no way back.
