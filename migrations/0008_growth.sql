-- Up Migration

-- The latest sessions are found among millions.
create index sessions_latest on sessions (updated_at desc);

-- Down Migration
-- Forward only: there is no way back.
