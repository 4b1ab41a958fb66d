import type { Person } from '../core/ticket.ts';
import type { Json, NullableJson, NullableTime, Time } from './schema.ts';

/** How the service gets into vendors' workspaces, and people's tools into the service. */
export interface ConnectionTables {
  connections: {
    kind: string;
    id: string;
    about: NullableJson<unknown>;
    sealed: Buffer | null;
    lost: string | null;
    changed_at: Time;
  };
  connection_requests: { id: string; kind: string; sealed: Buffer; created_at: Time };
  refused_webhooks: { source: string; at: Time };
  personal_tokens: {
    id: string;
    hash: Buffer;
    person: Json<Person>;
    label: string;
    created_at: Time;
    used_at: NullableTime;
    revoked_at: NullableTime;
  };
}
