-- Up Migration
-- When a bot last gave the ticket to the agent. Its delivery starts nothing, and neither does a list that shows the ticket.
alter table tickets add column bot_gave_at timestamptz;

-- Down Migration
-- Forward only: there is no way back.
