import type { Generated } from 'kysely';
import type { AlertedError, AlertLevel, AlertState } from '../core/alert.ts';
import type { TicketHint } from '../core/ticket.ts';
import type { NullableJson, NullableTime, Time } from './schema.ts';

/** What sources of alerts tell of. */
export interface AlertTables {
  alerts: {
    id: string;
    source: string;
    project: string;
    error: string;
    name: string | null;
    url: string | null;
    state: Generated<AlertState>;
    told: Generated<number>;
    told_at: Time;
    look_at: NullableTime;
    looked_at: NullableTime;
    tries: Generated<number>;
    hints: Generated<number>;
    status: AlertedError['status'] | null;
    came_back: Generated<boolean>;
    fingerprint: string | null;
    level: AlertLevel | null;
    day: string | null;
    nth: number | null;
    batch: string | null;
    hint: NullableJson<TicketHint>;
    reason: string | null;
    returns: Generated<number>;
    fixed_at: NullableTime;
    request: number | null;
    release: string | null;
    released_at: NullableTime;
    answer: string | null;
    created_at: Time;
  };
  alert_days: {
    source: string;
    project: string;
    day: string;
    told_on: NullableJson<TicketHint>;
    told_at: NullableTime;
  };
}
