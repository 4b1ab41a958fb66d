-- Up Migration

-- Up to which of its prompts the wish to stand on the newest base was looked at.
alter table sessions add column rebased_seq bigint not null default 0;

-- Down Migration
-- Forward only: there is no way back.
