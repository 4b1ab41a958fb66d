-- Up Migration

-- When the agent was given the ticket by the order, as the tracker dates it; whoever gives it to the agent later asks less of it.
alter table order_picks add column given_at timestamptz;

-- Down Migration
-- Forward only: there is no way back.
