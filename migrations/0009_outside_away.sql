-- Up Migration

-- Since when an outside service that the run needs has been away.
alter table runs add column away_since timestamptz;

-- Down Migration
-- Forward only: there is no way back.
