-- Up Migration

-- The newest time that the ticket was said to be over; opened again since, and not answered by a run's end, it is to be worked on.
-- `head_tree`: what the session's branch holds where people have pushed to it; null where its newest commit is ours.
alter table sessions
  add column over_at timestamptz,
  add column head_tree text;

update sessions set over_at = closed_at where closed;

-- Down Migration
-- Forward only: there is no way back.
