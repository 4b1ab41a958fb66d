import type { Generated } from 'kysely';
import type { Duplicate } from '../core/capture.ts';
import type { Person, TicketDraft, TicketHint, TrackerKind } from '../core/ticket.ts';
import type { Json, NullableJson, Time } from './schema.ts';

/** What people bring with `/make-ticket`. */
export interface CaptureTables {
  captures: {
    id: string;
    batch: string;
    place: number;
    person: Json<Person>;
    tracker: TrackerKind;
    draft: Json<TicketDraft>;
    routed: ('team' | 'project')[];
    assign: boolean;
    related: NullableJson<TicketHint>;
    repository: string | null;
    fingerprint: string | null;
    paths: string[];
    state: Generated<'filing' | 'filed' | 'refused'>;
    hint: NullableJson<TicketHint>;
    add_to: string | null;
    comment: string | null;
    assigned: Generated<boolean>;
    reason: string | null;
    notes: Json<string[]>;
    duplicates: Json<Duplicate[]>;
    tries: Generated<number>;
    try_at: Time;
    created_at: Time;
  };
  said_on_tickets: { key: string; tracker: TrackerKind; ticket: string; person: Json<Person>; body: string; at: Time };
  capture_keys: { hash: string; batch: string; at: Time };
}
