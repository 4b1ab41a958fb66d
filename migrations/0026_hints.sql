-- Up Migration

-- What some trackers deliver is only a hint: what it means is asked of the tracker before it is sorted.
alter table deliveries
  add column is_hint boolean not null default false,
  -- Whoever asks has made it grow, and has the hint until `try_at`; 0: it never was one.
  add column tries int not null default 0,
  add column try_at timestamptz,
  -- What it means, as the tracker itself said when it was asked; null: what stands in it.
  add column events json;
create index deliveries_hints on deliveries (tries, try_at) where is_hint;

-- Down Migration
-- Forward only: there is no way back.
