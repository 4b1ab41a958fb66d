-- Up Migration

-- Work that comes round: when it last began, and until when whoever does it now holds it.
create table schedules (
  name text primary key,
  ran_at timestamptz not null,
  busy_until timestamptz
);

-- `updated_at` as it was when what the session needs no more was last cleared away. They differ: there may be something again.
alter table sessions add column tidied_at timestamptz;
create index sessions_untidy on sessions (updated_at)
  where state in ('awaitingInput', 'complete', 'error', 'stopped') and tidied_at is distinct from updated_at;

-- When the bodies of its steps were deleted.
alter table sessions add column forgotten_at timestamptz;
create index sessions_remembered on sessions (updated_at)
  where state in ('awaitingInput', 'complete', 'error', 'stopped') and (forgotten_at is null or forgotten_at < updated_at);
create index deliveries_received on deliveries (received_at);

-- Dead letters are few, and looked for often.
create index deliveries_failed on deliveries (id) where outcome like 'failed:%';
create index effects_failed on effects (session_id, seq) where state = 'failed';
create index effects_code on effects (session_id, seq) where lane = 'code';

-- Down Migration
-- Forward only: there is no way back.
