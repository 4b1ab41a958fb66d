-- Up Migration

-- What a session that rests waits for, beside people: it goes on when the last of its rows is gone.
create table waits (
  session_id uuid not null references sessions (id) on delete cascade,
  -- The ticket (id as in `tickets`, which need not have it) that is to be over, or whose session is to rest.
  on_ticket uuid not null,
  until text not null check (until in ('over', 'rests')),
  hint json not null,
  since timestamptz not null default now(),
  primary key (session_id, on_ticket)
);
create index waits_on on waits (on_ticket);

-- Something that it waited for has come: there is to be a run.
alter table sessions add column due boolean not null default false;

-- Down Migration
-- Forward only: there is no way back.
