import type { NullableJson, Time } from './schema.ts';

/** How the service gets into vendors' workspaces. */
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
}
