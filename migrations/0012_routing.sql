-- Up Migration

-- What people answered when a ticket did not tell its repository, for the other tickets of its project or team.
create table remembered_routes (
  tracker text not null,
  scope_kind text not null check (scope_kind in ('project', 'team')),
  scope_name text not null,
  -- null: forgotten. An answer that is older than that does not bring it back.
  repository text,
  said_by json not null,
  -- The tracker's time of the answer; the newest holds.
  said_at timestamptz not null,
  primary key (tracker, scope_kind, scope_name)
);

-- What was chosen and why: by the agent, or by people it asked.
create table decisions (
  id uuid primary key,
  session_id uuid not null references sessions (id) on delete cascade,
  run_id uuid not null,
  seq bigint generated always as identity,
  text text not null,
  created_at timestamptz not null default now()
);
create index decisions_session on decisions (session_id, seq);

-- How people corrected the way the agent works, in rules that hold beyond their ticket.
create table corrections (
  id uuid primary key,
  repository text not null,
  session_id uuid not null references sessions (id) on delete cascade,
  rule text not null,
  -- How the same rule in other words is found; see core/corrections.ts.
  normal text not null,
  said_by json not null,
  -- A change of AGENTS.md that says it, or the like of it, was proposed.
  proposed boolean not null default false,
  created_at timestamptz not null default now()
);
create index corrections_repository on corrections (repository);

-- Of sessions that end with the same correction at the same moment, one sees the other's.
insert into locks (name) values ('corrections') on conflict do nothing;

-- Down Migration
-- Forward only: there is no way back.
