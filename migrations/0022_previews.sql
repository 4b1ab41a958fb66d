-- Up Migration

-- What was deployed of a pull request for people to look at, once for each commit and place.
create table previews (
  session_id uuid not null references sessions (id),
  repository text not null,
  head text not null,
  url text not null,
  environment text not null,
  -- What is run against it; null: nothing.
  commands json,
  -- What came of that; null: it was not run to its end.
  outcome json,
  -- When somebody is to run it; whoever does puts that off again and again. Null: nobody.
  run_at timestamptz,
  tries int not null default 0,
  told_at timestamptz not null default now(),
  primary key (session_id, head, url)
);
create index previews_due on previews (run_at) where run_at is not null;

-- What the repository's base wants run against such a deployment.
alter table followed_requests add column preview json;

-- Down Migration
-- Forward only: there is no way back.
