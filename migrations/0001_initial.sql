-- Up Migration

-- Values are `json`, not `jsonb`: the journal sends model calls again byte for byte, and jsonb neither keeps the order of keys
-- nor takes every string that a program can print.

-- What came in: one row a webhook request, as it was. A delivery is sorted once; its nudge commits with it.
create table deliveries (
  id bigint generated always as identity primary key,
  source text not null,
  delivery_id text not null,
  headers json not null,
  body bytea not null,
  received_at timestamptz not null default now(),
  sorted_at timestamptz,
  outcome text,
  unique (source, delivery_id)
);
create index deliveries_unsorted on deliveries (id) where sorted_at is null;

-- Our last reading of a ticket. `hint` opens a session on it; `reading` is the whole ticket, null until a run read it.
create table tickets (
  id uuid primary key,
  tracker text not null,
  external_id text not null,
  identifier text not null,
  hint json not null,
  reading json,
  read_at timestamptz,
  unique (tracker, external_id)
);
create index tickets_identifier on tickets (identifier);

-- Our work on one ticket, for ever. The row's lock is the session's lock.
create table sessions (
  id uuid primary key,
  ticket_id uuid not null references tickets (id),
  variant int not null default 0,
  state text not null default 'pending'
    check (state in ('pending', 'active', 'awaitingInput', 'complete', 'error', 'stopped')),
  repository text,
  base_branch text,
  base_commit text,
  branch text,
  -- What we last pushed to the branch; the next push expects it.
  head_commit text,
  pull_request json,
  -- System prompt and first request, byte for byte what every model call of this session begins with.
  brief json,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (ticket_id, variant)
);
create index sessions_state on sessions (state, updated_at);

create table conversations (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  key text not null,
  ref json not null,
  created_at timestamptz not null default now(),
  unique (session_id, key)
);

-- One stretch of work. `attempt` is the fence: it grows at each claim, and only its holder may write.
create table runs (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  number int not null,
  attempt int not null default 0,
  worker text,
  heartbeat_at timestamptz,
  -- Not claimed before this; set when an outside service asked us to wait.
  not_before timestamptz not null default now(),
  queued_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  stop_requested_at timestamptz,
  outcome json,
  unique (session_id, number)
);
create unique index runs_one_live on runs (session_id) where ended_at is null;
create index runs_claimable on runs (queued_at) where ended_at is null;

create table steps (
  id uuid primary key,
  run_id uuid not null references runs (id),
  session_id uuid not null references sessions (id),
  seq bigint generated always as identity,
  kind text not null check (kind in ('model', 'tool', 'verify')),
  key text not null,
  read_only boolean not null default false,
  attempt int not null,
  input json,
  result json,
  begun_at timestamptz not null default now(),
  completed_at timestamptz,
  unique (run_id, key)
);
create index steps_session on steps (session_id, seq);

-- What people said. `read_by` is the step that took it to the model.
create table prompts (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  conversation_id uuid references conversations (id),
  seq bigint generated always as identity,
  key text not null,
  author json not null,
  body text not null,
  signal text check (signal in ('stop', 'select', 'auth', 'continue')),
  said_at timestamptz not null,
  read_by uuid references steps (id),
  read_at timestamptz,
  unique (session_id, key)
);
create index prompts_unread on prompts (session_id, said_at, seq) where read_at is null;

-- What leaves for the outside. Committed with the step that caused it; carried out in order per session and lane.
create table effects (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  run_id uuid references runs (id),
  step_id uuid references steps (id),
  key text not null unique,
  seq bigint generated always as identity,
  lane text not null check (lane in ('ticket', 'code')),
  operation json not null,
  -- Keys of effects whose results this one needs.
  needs text[] not null default '{}',
  ephemeral boolean not null default false,
  state text not null default 'pending' check (state in ('pending', 'done', 'failed', 'dropped')),
  tries int not null default 0,
  not_before timestamptz not null default now(),
  lease uuid,
  leased_by text,
  leased_until timestamptz,
  result json,
  error text,
  created_at timestamptz not null default now(),
  settled_at timestamptz
);
create index effects_pending on effects (session_id, lane, seq) where state = 'pending';

-- What the agent showed, in order: the record behind `watch`. Each has its `postActivity` effect.
create table activities (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  run_id uuid references runs (id),
  conversation_id uuid references conversations (id),
  seq bigint generated always as identity,
  activity json not null,
  -- Its text has a `{link}` that is known only once it is sent.
  awaits_link boolean not null default false,
  created_at timestamptz not null default now()
);
create index activities_session on activities (session_id, seq);

create table plans (
  session_id uuid primary key references sessions (id),
  plan json not null,
  updated_at timestamptz not null default now()
);

create table evidence (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  run_id uuid not null references runs (id),
  seq bigint generated always as identity,
  evidence json not null,
  -- The bytes of a file that a command left; null for everything else.
  content bytea,
  created_at timestamptz not null default now()
);
create index evidence_session on evidence (session_id, seq);

create table usage (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  run_id uuid not null references runs (id),
  step_id uuid not null references steps (id),
  model text not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  -- null: the model has no known price.
  cost_usd numeric(14, 6),
  created_at timestamptz not null default now()
);
create index usage_session on usage (session_id);

-- The workspace's tree after a step, as a thin bundle on the session's base commit.
create table snapshots (
  id uuid primary key,
  session_id uuid not null references sessions (id),
  run_id uuid not null references runs (id),
  -- The last step whose changes it holds.
  step_seq bigint not null,
  base_commit text not null,
  commit text not null,
  tree text not null,
  bundle bytea,
  -- Where it lies on disk when it is too large for a row.
  path text,
  bytes bigint not null,
  created_at timestamptz not null default now()
);
create index snapshots_session on snapshots (session_id, step_seq desc);

-- What the base branch's own checks said, by tree, set-up and commands; shared by all sessions.
create table baselines (
  key text primary key,
  repository text not null,
  result json not null,
  created_at timestamptz not null default now()
);

-- The board: a tracker of our own.
create table board_tickets (
  number int generated always as identity primary key,
  title text not null,
  description text not null default '',
  priority text not null default 'none' check (priority in ('urgent', 'high', 'medium', 'low', 'none')),
  labels text[] not null default '{}',
  fields json not null default '{}',
  state text not null default 'Todo',
  assignee json,
  -- Grows with each change; names the change's delivery.
  version int not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create table board_comments (
  id uuid primary key,
  ticket int not null references board_tickets (number),
  seq bigint generated always as identity,
  author json not null,
  body text not null,
  created_at timestamptz not null default clock_timestamp()
);
create index board_comments_ticket on board_comments (ticket, seq);
create table board_relations (
  ticket int not null references board_tickets (number),
  type text not null check (type in ('blocks', 'relatedTo', 'parent', 'duplicateOf')),
  other int not null references board_tickets (number),
  primary key (ticket, type, other)
);
create index board_relations_other on board_relations (other);
-- What the agent's operations did: one sent again changes nothing and is answered from here.
create table board_operations (
  id uuid primary key,
  ticket int not null references board_tickets (number),
  result json not null,
  created_at timestamptz not null default now()
);
create table board_activities (
  id uuid primary key,
  ticket int not null references board_tickets (number),
  seq bigint generated always as identity,
  activity json not null,
  created_at timestamptz not null default clock_timestamp()
);
create index board_activities_ticket on board_activities (ticket, seq);
create table board_plans (
  ticket int primary key references board_tickets (number),
  plan json not null,
  updated_at timestamptz not null default now()
);
create table board_attachments (
  ticket int not null references board_tickets (number),
  url text not null,
  title text not null,
  created_at timestamptz not null default now(),
  primary key (ticket, url)
);

-- local-git: pull requests on repositories on disk. `repository` is the absolute path.
create table local_git_pull_requests (
  repository text not null,
  number int not null,
  -- Id of the last request to open it: the same request sent again finds it here, even after a merge.
  request text not null,
  title text not null,
  body text not null,
  base text not null,
  head text not null,
  -- Where the head branch was last seen.
  head_commit text not null,
  draft boolean not null,
  state text not null default 'open' check (state in ('open', 'merged', 'closed')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (repository, number)
);
create unique index local_git_one_open on local_git_pull_requests (repository, head, base) where state = 'open';
create unique index local_git_request on local_git_pull_requests (repository, request);

-- Down Migration
-- Forward only: there is no way back.
