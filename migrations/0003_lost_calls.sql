-- Up Migration
-- A model call whose reply was lost has been paid for all the same: what its prompt came to stays counted.
alter table reservations
  -- null: an older process set it aside, and gives all of it back.
  add column model text,
  add column prompt_tokens bigint not null default 0,
  -- null: the model has no known price.
  add column prompt_usd numeric(16, 6);

-- Down Migration
-- Forward only: there is no way back.
