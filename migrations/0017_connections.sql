-- Up Migration

-- How the service gets into a vendor's workspaces, shared by all processes. `sealed` holds the tokens, encrypted; null: there are none.
-- `lost` says why nothing can be had with them any more.
create table connections (
  kind text not null,
  id text not null,
  about json,
  sealed bytea,
  lost text,
  changed_at timestamptz not null default now(),
  primary key (kind, id)
);

-- Installations that somebody has begun in a browser; each is taken once, within minutes.
create table connection_requests (
  id text primary key,
  kind text not null,
  sealed bytea not null,
  created_at timestamptz not null default now()
);

-- The newest webhook request of each sender that was refused because of its signature: "connect --check" tells by it what is wrong.
create table refused_webhooks (
  source text primary key,
  at timestamptz not null default now()
);

-- Down Migration
-- Forward only: there is no way back.
