import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Activity } from '../core/activity.ts';
import type { Brief } from '../core/conversation.ts';
import type { TrackerEvent } from '../core/delivery.ts';
import type { EffectState, Lane, Operation } from '../core/effect.ts';
import type { Estimate } from '../core/estimate.ts';
import type { Evidence, ProofVerdict } from '../core/evidence.ts';
import type { Outcome, StopReason, Wait } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import type { Signal } from '../core/prompt.ts';
import type { Proposal, ProposalState } from '../core/proposal.ts';
import type { Confidence, Followed, Size } from '../core/scope.ts';
import type { RunPurpose, SessionState } from '../core/session.ts';
import type { StepKind } from '../core/step.ts';
import type { Person, Ticket, TicketHint } from '../core/ticket.ts';
import type { KnownTicket } from '../core/ticket-change.ts';
import type { AlertTables } from './schema-alerts.ts';
import type { CaptureTables } from './schema-captures.ts';
import type { ConnectionTables } from './schema-connections.ts';
import type { FollowingTables } from './schema-following.ts';
import type { OwnWorkTables } from './schema-own-work.ts';
import type { ToolTables } from './schema-tools.ts';

/** A `json` column: what is read is the value, what is written is its JSON text. */
export type Json<T> = ColumnType<T, string, string>;
export type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;
export type Time = ColumnType<Date, Date | undefined, Date>;
/** The tracker's time: written as it tells it, because a `Date` would cut off the microseconds. */
type Moment = ColumnType<Date | null, string | null | undefined, string | null>;
export type NullableTime = ColumnType<Date | null, Date | null | undefined, Date | null>;
/** `bigint` columns arrive as numbers (see `createDatabase`). */
type Serial = ColumnType<number, never, never>;

/** The tables as `migrations/` make them. */
export interface Schema
  extends OwnWorkTables,
    ConnectionTables,
    FollowingTables,
    CaptureTables,
    AlertTables,
    ToolTables {
  deliveries: {
    id: Serial;
    source: string;
    delivery_id: string;
    headers: JSONColumnType<Record<string, string>>;
    body: Buffer;
    received_at: Time;
    sorted_at: NullableTime;
    outcome: string | null;
    /** Signed long ago: whether it is true is still to be asked. */
    is_late: Generated<boolean>;
    is_urgent: Generated<boolean>;
    /** What it means is still to be asked of its tracker; see `store/hints.ts`. */
    is_hint: Generated<boolean>;
    tries: Generated<number>;
    try_at: NullableTime;
    /** As its tracker said it when it was asked. */
    events: NullableJson<TrackerEvent[]>;
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
    head_tree: string | null;
    pull_request: NullableJson<{ number: number; url: string }>;
    request_fate: NullableJson<{
      number: number;
      state: string;
      changes: number;
      attached?: { state: string; changes: number };
    }>;
    brief: NullableJson<Brief>;
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
    over_at: Moment;
    stop_at: Moment;
    spoke_at: Moment;
    answered_at: Moment;
    answered_seq: Generated<number>;
    workspace_in: string | null;
    /** Its ticket was not to be found, and it was ended for that; see `flow/reconcile.ts`. */
    gone: Generated<boolean>;
    /** Something that it waited for has come: there is to be a run. */
    due: Generated<boolean>;
    edited_at: Moment;
    scope_asked_at: Moment;
    scoped_at: Moment;
    scope_told: Generated<boolean>;
    /** What the tracker tells the agent to heed. */
    guidance: Generated<string>;
    guidance_at: Moment;
    edits_read_at: Moment;
    asked: Generated<boolean>;
    /** When people were asked what it rests for, and reminded of it. */
    asked_at: NullableTime;
    reminded_at: NullableTime;
    /** It rests, and goes on when nothing in `waits` is left to come. */
    waiting: Generated<boolean>;
    /** Its work is done on its sub-tickets. */
    leads: Generated<boolean>;
    follows: NullableJson<{ number: number; url: string; merged: boolean }>;
    rebased_seq: Generated<number>;
    /** Its pull request is somebody else's. */
    adopted: Generated<boolean>;
    asked_about: NullableJson<{ number: number; run: number; head?: string }>;
  };
  handovers: {
    id: string;
    ticket_id: string;
    seq: Serial;
    by: Json<Person>;
    repository: string;
    base_commit: string;
    commit: string;
    tree: string;
    bundle: Buffer | null;
    bytes: number;
    run_id: string | null;
    created_at: Time;
  };
  known_tickets: { session_id: string; ticket: Json<KnownTicket> };
  edits: {
    id: string;
    session_id: string;
    seq: Serial;
    note: string;
    images: Json<string[]>;
    created_at: Time;
    read_by: string | null;
    read_at: NullableTime;
  };
  ticket_images: { session_id: string; hash: string; media_type: string; content: Buffer };
  waits: {
    session_id: string;
    on_ticket: string;
    until: Wait['until'];
    hint: Json<TicketHint>;
    since: Time;
    over_at: NullableTime;
    seen_at: NullableTime;
    missing: Generated<number>;
  };
  overrides: { session_id: string; on_ticket: string; since: Time };
  proposals: {
    id: string;
    session_id: string;
    /** The newest of a session is the one that counts. */
    number: number;
    code: string;
    content: Json<Proposal>;
    run_id: string;
    /** The key of the effect that shows it. */
    shown_by: string;
    state: ProposalState;
    proposed_at: Time;
    heard_seq: number;
    until_seq: number | null;
    silence_minutes: number | null;
    decided_at: NullableTime;
    decided_by: NullableJson<Person>;
    carried_out_at: NullableTime;
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
    purpose: Generated<RunPurpose>;
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
    /** Its author is one whose words are followed. */
    obeyed: Generated<boolean>;
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
  accounts: {
    name: string;
    open_at: Date;
    closed_at: Time;
    closed_by: Generated<'rate_limited' | 'disconnected'>;
    closed_why: string | null;
  };
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
  link_keys: { purpose: string; secret: Buffer };
  words_heard: { tracker: string; up_to: Date };
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
  ratings: {
    id: string;
    session_id: string;
    run_id: string;
    seq: Serial;
    confidence: Confidence;
    size: Size;
    files: Json<string[]>;
    plan: Json<string[]>;
    questions: Json<string[]>;
    parts: number;
    followed: Followed;
    repository: string;
    is_bug: boolean;
    estimate: NullableJson<Estimate>;
    made_at: Time;
    ended_at: NullableTime;
    stop_reason: StopReason | null;
    proof: ProofVerdict | null;
    minutes: number | null;
    usd: ColumnType<string | null, number | null, number | null>;
    changed: NullableJson<string[]>;
  };
  baselines: { key: string; repository: string; result: Json<unknown>; created_at: Time };
  workers: { name: string; slots: number; seen_at: Time };
  schedules: { name: string; ran_at: Date; busy_until: NullableTime };
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
}
