-- Up Migration

-- Work that a person handed over with a ticket: a session begins with it, or goes on from it.
create table handovers (
  id uuid primary key,
  -- As in `tickets`, which need not have it yet: what is handed over is there before anybody works on it.
  ticket_id uuid not null,
  seq bigint generated always as identity,
  by json not null,
  repository text not null,
  base_commit text not null,
  commit text not null,
  tree text not null,
  -- Until a run has taken it: then a snapshot has it.
  bundle bytea,
  bytes bigint not null,
  -- The run that took it.
  run_id uuid references runs (id),
  created_at timestamptz not null default now()
);
create index handovers_ticket on handovers (ticket_id, seq desc);

-- The pull request that this session had before: it was merged, or closed and people said to go on.
alter table sessions add column follows json;
-- The closed pull request about which people were asked, and in which run.
alter table sessions add column asked_about json;

-- Down Migration
-- Forward only: there is no way back.
