-- Up Migration

-- The pull request that a session brings to its end: its checks, its reviews, its merge and what comes after.
create table followed_requests (
  session_id uuid primary key references sessions (id),
  repository text not null,
  branch text not null,
  -- null until it is opened.
  number int,
  phase text not null,
  -- The commit that the phase is about, and since when it is known.
  head text,
  head_at timestamptz,
  -- How often its checks were mended since people last spoke.
  rounds int not null default 0,
  -- The session asks people about it.
  asked boolean not null default false,
  -- What is said where its checks are green, and whether it is up for review then.
  closing text not null,
  draft boolean not null,
  -- When it is to be looked at; whoever looks puts that off. Null: never.
  look_at timestamptz,
  -- How often a webhook told of it.
  hints int not null default 0,
  -- What was told of this commit.
  told text[] not null default '{}'
);
create index followed_requests_due on followed_requests (look_at) where look_at is not null;

-- What people said on it, once each.
create table remarks (
  session_id uuid not null references sessions (id),
  key text not null,
  number int not null,
  remark json not null,
  -- By which the agent answers it: T1, T2; those of one thread share it.
  code text not null,
  -- The prompt by which the agent hears it; null: it need not.
  prompt text,
  taken_at timestamptz not null default now(),
  answered_at timestamptz,
  primary key (session_id, key)
);

-- Its pull request is somebody else's, on which people asked for the agent.
alter table sessions add column adopted boolean not null default false;

-- Down Migration
-- Forward only: there is no way back.
