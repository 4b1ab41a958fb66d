import type { Ticket } from '../core/ticket.ts';
import type { TicketFacts } from '../core/ticket-facts.ts';
import type { ClaimedRun } from '../store/runs.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { ReadyWork } from '../store/waits.ts';
import { checkAllowedPaths } from './allowed-paths.ts';
import { awaitApproval } from './await-approval.ts';
import { checkWanted } from './check-wanted.ts';
import { leadChildren } from './lead-children.ts';
import type { NotPrepared } from './prepare.ts';
import { noteReopening } from './reopened.ts';
import type { RunDeps } from './run.ts';
import { waitForBlockers } from './wait-for-blockers.ts';
import { waitForOverlaps } from './wait-for-overlaps.ts';

/** A run that is about to begin, its ticket just read. */
export interface Beginning {
  deps: RunDeps;
  run: ClaimedRun;
  session: SessionRow;
  ticket: Ticket;
  facts: TicketFacts;
  /** Whose branch the work is to be done on, where a check says so. */
  standsOn: ReadyWork | null;
  /** What the agent is told first, where a check says so. */
  note?: string;
  signal: AbortSignal;
}

/** Says why a run may not begin; null where it may. */
type Check = (beginning: Beginning) => Promise<NotPrepared | null>;

/** In this order: the first that says no is what people are told. */
const checks: Check[] = [
  awaitApproval,
  waitForBlockers,
  leadChildren,
  checkAllowedPaths,
  checkWanted,
  waitForOverlaps,
  noteReopening,
];

/** Whether a run may begin at all, before anything is fetched or any model asked. */
export async function mayBegin(beginning: Beginning): Promise<NotPrepared | null> {
  for (const check of checks) {
    const refused = await check(beginning);
    if (refused) return refused;
  }
  return null;
}
