-- Up Migration

-- What a vendor said as it closed an account: whoever waits for it tells people the same.
alter table accounts add column closed_why text;

-- Down Migration
-- Forward only: there is no way back.
