-- Up Migration

-- What people were asked to approve. An approval holds for exactly this content.
create table proposals (
  -- Made from the session and the content: the same proposed again is the same row, opened anew.
  id uuid primary key,
  session_id uuid not null references sessions (id) on delete cascade,
  -- The newest of a session is the one that counts.
  number int not null,
  -- What people call it by.
  code text not null,
  content json not null,
  run_id uuid not null references runs (id) on delete cascade,
  -- Of the effect that shows it.
  shown_by text not null,
  state text not null check (state in ('open', 'approved', 'rejected', 'superseded')),
  proposed_at timestamptz not null default now(),
  -- Words that came before it was proposed (prompts.seq) are not about it, nor are those that came when something else was asked.
  heard_seq bigint not null,
  until_seq bigint,
  -- Nobody has to say a word for so long, and it is approved; null: that never is.
  silence_minutes double precision,
  decided_at timestamptz,
  -- A person; null: silence.
  decided_by json,
  -- When the service had done its part of what was approved.
  carried_out_at timestamptz,
  unique (session_id, number)
);
create index proposals_open on proposals (session_id) where state = 'open' and silence_minutes is not null;

-- When people were asked what the session rests for, and reminded of it.
alter table sessions add column asked_at timestamptz;
alter table sessions add column reminded_at timestamptz;
create index sessions_asked on sessions (asked_at) where state = 'awaitingInput' and asked_at is not null;

-- Whether its author is one whose words are followed; what others say is information.
alter table prompts add column obeyed boolean not null default true;

-- Down Migration
-- Forward only: there is no way back.
