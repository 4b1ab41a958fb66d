-- Up Migration

-- What a ticket was told last of its pull request, and how often that has changed.
alter table sessions add column request_fate json;

-- Somebody speaks to the agent and waits for its first word: sorted before all others.
alter table deliveries add column is_urgent boolean not null default false;
drop index deliveries_unsorted;
create index deliveries_unsorted on deliveries (is_urgent desc, id) where sorted_at is null;

-- Until when all that people said on a tracker's tickets is known, whether or not its webhooks came.
create table words_heard (
  tracker text primary key,
  up_to timestamptz not null
);

-- Down Migration
-- Forward only: there is no way back.
