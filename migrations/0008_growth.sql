-- Up Migration

-- The latest sessions, and deliveries that are old enough to go, are found among millions.
create index sessions_latest on sessions (updated_at desc);
create index deliveries_received on deliveries (received_at);

-- Down Migration
-- Forward only: there is no way back.
