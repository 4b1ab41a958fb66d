import type { Generated } from 'kysely';
import type { Confidence } from '../core/scope.ts';
import type { OpenCategory } from '../core/standing-orders.ts';
import type { TicketDraft, TicketHint } from '../core/ticket.ts';
import type { Json, NullableJson, NullableTime, Time } from './schema.ts';

/** What the agent begins by itself: standing orders, automations, the summary of the day. */
export interface OwnWorkTables {
  order_picks: {
    id: string;
    order_name: string;
    day: string;
    /** null: it does not count against the cap. */
    nth: number | null;
    ticket_id: string;
    hint: Json<TicketHint>;
    category: OpenCategory;
    state: Generated<'taking' | 'taken' | 'skipped' | 'declined'>;
    why: string;
    demand: Confidence;
    rating: Confidence | null;
    fingerprint: string;
    session_id: string | null;
    given_at: NullableTime;
    at: Time;
  };
  order_rounds: {
    order_name: string;
    cursor: string | null;
    seen: Generated<number>;
    many: Generated<boolean>;
    told: string | null;
  };
  order_passes: { order_name: string; ticket_id: string; at: Time };
  recurring: { name: string; since: Time; paused_at: NullableTime; paused_why: string | null };
  automation_runs: {
    id: string;
    automation: string;
    due_at: Time;
    state: Generated<'filing' | 'filed' | 'skipped' | 'failed'>;
    draft: Json<TicketDraft>;
    hint: NullableJson<TicketHint>;
    session_id: string | null;
    reason: string | null;
    at: Time;
  };
  summaries: {
    id: string;
    due_at: Time;
    since: Time;
    state: 'filing' | 'filed' | 'nothing' | 'failed';
    title: string;
    body: string | null;
    hint: NullableJson<TicketHint>;
    reason: string | null;
    at: Time;
  };
}
