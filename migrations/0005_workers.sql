-- Up Migration

-- Workers that fell while this run was at `lost_step` and had completed nothing since: a step that ends its worker each time
-- is found by them. Older processes leave them as they are.
alter table runs add column lost_workers text[] not null default '{}';
alter table runs add column lost_step text;
alter table runs add column lost_at timestamptz;

-- What the ticket was last told of the run's place in the queue.
alter table runs add column told_place int;
alter table runs add column told_place_at timestamptz;

-- Runs that nobody has begun, a line for each priority and team; and those that somebody has, few at any time.
create index runs_fresh on runs (priority, team, queued_at) where ended_at is null and started_at is null;
create index runs_begun on runs (priority, queued_at) where ended_at is null and started_at is not null;

-- Down Migration
-- Forward only: there is no way back.
