import {
  type ColumnType,
  type Generated,
  type JSONColumnType,
  Kysely,
  PostgresDialect,
  type Transaction,
} from 'kysely';
import pg from 'pg';
import type { Activity } from '../core/activity.ts';
import type { EffectState, Lane, Operation } from '../core/effect.ts';
import type { Evidence } from '../core/evidence.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import type { Signal } from '../core/prompt.ts';
import type { SessionState } from '../core/session.ts';
import type { StepKind } from '../core/step.ts';
import type { Person, Ticket, TicketHint } from '../core/ticket.ts';

/** A `json` column: what is read is the value, what is written is its JSON text. */
type Json<T> = ColumnType<T, string, string>;
type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;
type Time = ColumnType<Date, Date | undefined, Date>;
/** The tracker's time: written as it tells it, because a `Date` would cut off the microseconds. */
type Moment = ColumnType<Date | null, string | null | undefined, string | null>;
type NullableTime = ColumnType<Date | null, Date | null | undefined, Date | null>;
/** `bigint` columns arrive as numbers (see `createDatabase`). */
type Serial = ColumnType<number, never, never>;

export interface Schema {
  deliveries: {
    id: Serial;
    source: string;
    delivery_id: string;
    headers: JSONColumnType<Record<string, string>>;
    body: Buffer;
    received_at: Time;
    sorted_at: NullableTime;
    outcome: string | null;
    /** The ticket whose session it waits for. */
    ticket: Generated<string | null>;
  };
  tickets: {
    id: string;
    tracker: string;
    external_id: string;
    identifier: string;
    hint: Json<TicketHint>;
    reading: NullableJson<Ticket>;
    read_at: NullableTime;
    bot_gave_at: NullableTime;
  };
  sessions: {
    id: string;
    ticket_id: string;
    variant: Generated<number>;
    state: Generated<SessionState>;
    repository: string | null;
    base_branch: string | null;
    base_commit: string | null;
    branch: string | null;
    head_commit: string | null;
    pull_request: NullableJson<{ number: number; url: string }>;
    brief: NullableJson<{ system: string; request: string }>;
    created_at: Time;
    updated_at: Time;
    /** `updated_at` as it was when what the session needs no more was cleared away. */
    tidied_at: NullableTime;
    /** When the bodies of its steps were deleted. */
    forgotten_at: NullableTime;
    opened_at: Moment;
    given: Generated<boolean>;
    given_at: Moment;
    closed: Generated<boolean>;
    closed_at: Moment;
    stop_at: Moment;
    spoke_at: Moment;
    answered_at: Moment;
    answered_seq: Generated<number>;
    workspace_in: string | null;
    /** Its ticket was not to be found, and it was ended for that; see `flow/reconcile.ts`. */
    gone: Generated<boolean>;
    /** Something that it waited for has come: there is to be a run. */
    due: Generated<boolean>;
  };
  waits: {
    session_id: string;
    on_ticket: string;
    until: 'over' | 'rests';
    hint: Json<TicketHint>;
    since: Time;
  };
  locks: { name: string };
  conversations: { id: string; session_id: string; key: string; ref: Json<unknown>; created_at: Time };
  runs: {
    id: string;
    session_id: string;
    number: number;
    attempt: Generated<number>;
    worker: string | null;
    /** Place in `priorities`. */
    priority: Generated<number>;
    team: Generated<string>;
    heartbeat_at: NullableTime;
    not_before: Time;
    queued_at: Time;
    started_at: NullableTime;
    ended_at: NullableTime;
    stop_requested_at: NullableTime;
    outcome: NullableJson<Outcome>;
    lost_workers: Generated<string[]>;
    lost_step: string | null;
    lost_at: NullableTime;
    told_place: number | null;
    told_place_at: NullableTime;
    /** See `outsideAwayForMs`. */
    away_since: NullableTime;
  };
  steps: {
    id: string;
    run_id: string;
    session_id: string;
    seq: Serial;
    kind: StepKind;
    key: string;
    read_only: boolean;
    attempt: number;
    input: NullableJson<unknown>;
    result: NullableJson<unknown>;
    begun_at: Time;
    completed_at: NullableTime;
    /** See `workedMs`. */
    worked_ms: number | null;
  };
  prompts: {
    id: string;
    session_id: string;
    conversation_id: string | null;
    seq: Serial;
    key: string;
    author: Json<Person>;
    body: string;
    signal: Signal | null;
    said_at: ColumnType<Date, string | Date, never>;
    read_by: string | null;
    read_at: NullableTime;
  };
  effects: {
    id: string;
    session_id: string;
    run_id: string | null;
    step_id: string | null;
    key: string;
    seq: Serial;
    lane: Lane;
    operation: Json<Operation>;
    needs: string[];
    ephemeral: boolean;
    state: Generated<EffectState>;
    tries: Generated<number>;
    not_before: Time;
    lease: string | null;
    leased_by: string | null;
    leased_until: NullableTime;
    result: NullableJson<Record<string, unknown>>;
    error: string | null;
    created_at: Time;
    settled_at: NullableTime;
    redrives: Generated<number>;
  };
  accounts: { name: string; open_at: Date; closed_at: Time };
  activities: {
    id: string;
    session_id: string;
    run_id: string | null;
    conversation_id: string | null;
    seq: Serial;
    activity: Json<Activity>;
    awaits_link: boolean;
    created_at: Time;
  };
  plans: { session_id: string; plan: Json<Plan>; updated_at: Time };
  evidence: {
    id: string;
    session_id: string;
    run_id: string;
    seq: Serial;
    evidence: Json<Evidence>;
    content: Buffer | null;
    created_at: Time;
  };
  usage: {
    id: string;
    session_id: string;
    run_id: string;
    step_id: string;
    model: string;
    input_tokens: number;
    output_tokens: number;
    cache_read_tokens: number;
    cache_write_tokens: number;
    cost_usd: ColumnType<string | null, number | null, number | null>;
    created_at: Time;
  };
  snapshots: {
    id: string;
    session_id: string;
    run_id: string;
    step_seq: number;
    base_commit: string;
    commit: string;
    tree: string;
    bundle: Buffer | null;
    path: string | null;
    bytes: number;
    created_at: Time;
  };
  spending: {
    account: string;
    turns: number;
    tokens: number;
    usd: string;
    turn_limit: number | null;
    token_limit: number | null;
    usd_limit: string | null;
  };
  reservations: {
    step_id: string;
    run_id: string;
    accounts: string[];
    tokens: number;
    usd: string;
    model: string | null;
    prompt_tokens: number;
    prompt_usd: string | null;
  };
  baselines: { key: string; repository: string; result: Json<unknown>; created_at: Time };
  remembered_routes: {
    tracker: string;
    scope_kind: 'project' | 'team';
    scope_name: string;
    /** null: forgotten. */
    repository: string | null;
    said_by: Json<Person>;
    said_at: ColumnType<Date, string, string>;
  };
  decisions: { id: string; session_id: string; run_id: string; seq: Serial; text: string; created_at: Time };
  corrections: {
    id: string;
    repository: string;
    session_id: string;
    rule: string;
    normal: string;
    said_by: Json<string[]>;
    proposed: Generated<boolean>;
    created_at: Time;
  };
  schedules: { name: string; ran_at: Date; busy_until: NullableTime };
}

export type Database = Kysely<Schema>;
export type Tx = Transaction<Schema>;

/** What both a pool and a connection offer. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

const bigint = 20;

/** A pool whose `bigint`s are numbers: ours are sequences and sizes, far below 2^53. */
export function createPool(url: string, max = 20): pg.Pool {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === bigint ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
  };
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    application_name: 'shipmate',
    // Opening one takes some milliseconds of both sides, and tickets come in bursts.
    idleTimeoutMillis: 300_000,
    // A server that vanished without a word is noticed, also by a connection that waits for its answer.
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    // A process that is frozen in the middle of a transaction must not keep what it locked for ever.
    idle_in_transaction_session_timeout: 6_000,
  });
  // Losing the server must not end this process, whether a connection is in use or not: whoever asks next gets another one.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', () => {});
  return pool;
}

/** Runs `work` in a transaction on one connection; it commits when that resolves. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    const { command } = await client.query('commit');
    // What failed inside and was swallowed makes PostgreSQL roll back, quietly.
    if (command === 'ROLLBACK') throw new Error('the transaction was rolled back: a statement in it had failed');
    client.release();
    return result;
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      () => client.release(true),
    );
    throw error;
  }
}

export function createDatabase(pool: pg.Pool): Database {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}
