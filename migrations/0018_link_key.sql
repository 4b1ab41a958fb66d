-- Up Migration

-- What the keys of links are made with: random, of this installation, and the same for all its processes. Whoever reads it
-- can open every session's page, as they could read the tables themselves.
create table link_keys (
  purpose text primary key,
  secret bytea not null
);
-- Two UUIDs of PostgreSQL's strong random numbers: 244 bits.
insert into link_keys (purpose, secret)
values ('session-page', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- Down Migration
-- Forward only: there is no way back.
