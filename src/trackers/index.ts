import type { Pool } from 'pg';
import type { TrackerKind } from '../core/ticket.ts';
import { createBoardTracker } from './board/tracker.ts';
import type { Tracker } from './tracker.ts';

/** What every tracker is made from; each takes what it needs. */
export interface TrackerOptions {
  /** The agent's name, as people write it in a mention. */
  agent: string;
  /** The tracker's own block of `shipmate.yaml`; the adapter checks what is in it. */
  settings: Record<string, unknown>;
  /** Signs the webhooks. */
  webhookSecret: string;
  /** Further secrets by the names that the adapter documents: tokens, keys. */
  secrets: Record<string, string>;
  /** For a tracker whose tables are in our database. */
  pool: Pool;
  fetch?: typeof fetch;
}

/** One line per tracker. */
export const trackers: Partial<Record<TrackerKind, (options: TrackerOptions) => Tracker>> = {
  board: ({ pool, agent, webhookSecret }) => createBoardTracker({ pool, agent, secret: webhookSecret }),
};
