-- Up Migration

-- Which of the runs that wait is next: the most pressing first, then the oldest, fair between teams. Copied from the ticket
-- when the run is queued. Older processes leave the defaults.
alter table runs add column priority int not null default 4;
alter table runs add column team text not null default '';

-- Down Migration
-- Forward only: there is no way back.
