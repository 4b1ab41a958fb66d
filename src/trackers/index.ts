import type { Pool } from 'pg';
import type { TrackerKind } from '../core/ticket.ts';
import { createBoardTracker } from './board/tracker.ts';
import type { Connections } from './connections.ts';
import { openGitHubIssues } from './github-issues/open.ts';
import { openLinear } from './linear/open.ts';
import type { Tracker } from './tracker.ts';

/** What every tracker is made from; each takes what it needs. */
export interface TrackerOptions {
  /** The agent's name, as people write it in a mention. */
  agent: string;
  /** The tracker's own settings, by the names that the adapter documents; the adapter checks what is in them. */
  settings: Record<string, unknown>;
  /** Signs the webhooks. Several: while one replaces the other. */
  webhookSecrets: readonly string[];
  /** Further secrets by the names that the adapter documents: tokens, keys. */
  secrets: Record<string, string | null>;
  /** For a tracker whose tables are in our database. */
  pool: Pool;
  /** For a tracker whose tokens are changed now and then. */
  connections: Connections;
  fetch?: typeof fetch;
}

/** One line per tracker. */
export const trackers: Partial<Record<TrackerKind, (options: TrackerOptions) => Tracker>> = {
  board: ({ pool, agent, webhookSecrets: [secret = ''] }) => createBoardTracker({ pool, agent, secret }),
  'github-issues': openGitHubIssues,
  linear: openLinear,
};
