-- Up Migration

-- It was ended because its ticket was not to be found. When the ticket is there again, it goes on.
alter table sessions add column gone boolean not null default false;

-- Down Migration
-- Forward only: there is no way back.
