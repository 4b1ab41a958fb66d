-- Up Migration
-- Requests that a later one has superseded: one that was held up for long and comes after it changes nothing.
alter table local_git_pull_requests add column earlier text[] not null default '{}';

-- Down Migration
-- Forward only: there is no way back.
