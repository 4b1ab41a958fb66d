-- Up Migration

-- The newest edit of a ticket's text and fields, up to which of them a run has read it, and whether its session rests because
-- it asked people something. The first two by the tracker's clock.
alter table sessions add column edited_at timestamptz;
alter table sessions add column edits_read_at timestamptz;
alter table sessions add column asked boolean not null default false;

-- The ticket as the session's model knows it: its brief, and what it was told of edits since.
create table known_tickets (
  session_id uuid primary key references sessions (id) on delete cascade,
  ticket json not null
);

-- What the model is told of an edit, before the next turn; like a prompt, each is read by one step.
create table edits (
  id uuid primary key,
  session_id uuid not null references sessions (id) on delete cascade,
  seq bigint generated always as identity,
  note text not null,
  -- Hashes of the images that came with it.
  images json not null default '[]',
  created_at timestamptz not null default now(),
  read_by uuid,
  read_at timestamptz
);
create index edits_session on edits (session_id, seq);

-- Images that a session's model is shown, as they were when it was first shown them.
create table ticket_images (
  session_id uuid not null references sessions (id) on delete cascade,
  hash text not null,
  media_type text not null,
  content bytea not null,
  primary key (session_id, hash)
);

-- What people attach to tickets on the board.
create table board_files (
  id uuid primary key,
  ticket int not null references board_tickets (number),
  seq bigint generated always as identity,
  name text not null,
  media_type text not null,
  content bytea not null,
  author json not null,
  created_at timestamptz not null default clock_timestamp()
);
create index board_files_ticket on board_files (ticket, seq);

-- Down Migration
-- Forward only: there is no way back.
