import type { Brief } from '../core/conversation.ts';
import { cleanText } from '../core/outgoing-text.ts';
import { nameInTicket, routeTicket } from '../core/routing.ts';
import type { Ticket } from '../core/ticket.ts';
import type { TicketFacts } from '../core/ticket-facts.ts';
import { addActivities } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { hasChanged, leaveRepository } from '../store/moves.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { currentConversation, type SessionRow } from '../store/sessions.ts';
import { hasSteps } from '../store/steps.ts';
import type { RunDeps } from './run.ts';

/** Where a ticket says that it is worked on, in its own words. */
export function placeNamed(ticket: Pick<Ticket, 'description'>, facts: TicketFacts): NonNullable<Brief['named']> {
  return { repository: nameInTicket(ticket, facts), base: facts.base };
}

/**
 * Whether a run is to begin anew in another repository, or on another base: its ticket names one now that it did not name when
 * the session began, and nothing was changed where that began. A run that has begun stays with what it found.
 */
export async function isToMove(
  deps: Pick<RunDeps, 'db' | 'repositories'>,
  run: ClaimedRun,
  at: { session: SessionRow; ticket: Ticket; facts: TicketFacts; brief: Brief },
): Promise<boolean> {
  const { session, ticket, facts, brief } = at;
  const now = placeNamed(ticket, facts);
  const { named } = brief;
  if (named?.repository === now.repository && named.base === now.base) return false;
  if (!isElsewhere(deps, at)) return false;
  return !(await hasSteps(deps.db, run.id)) && !(await hasChanged(deps.db, session.id));
}

function isElsewhere(
  { repositories }: Pick<RunDeps, 'repositories'>,
  { session, ticket, facts, brief }: Parameters<typeof isToMove>[2],
): boolean {
  // By what it names itself alone: labels, rules and answers are for tickets that have no repository yet.
  const routing = { repositories: [...repositories.values()], rules: [], remembered: null };
  const route = routeTicket({ ...ticket, labels: [] }, facts, routing);
  const isNamed = nameInTicket(ticket, facts) !== null;
  if ('unknown' in route) return brief.named !== undefined; // people are asked
  if (isNamed && 'repository' in route && route.repository.name !== session.repository) return true;
  const base = (isNamed && 'repository' in route ? route.base : null) ?? facts.base;
  return brief.named !== undefined && base !== null && base !== session.baseBranch;
}

/** Leaves the old place behind, and says where the work is now. Call with the locks of session and run held. */
export async function tellMove(
  tx: Tx,
  run: ClaimedRun,
  from: Pick<SessionRow, 'repository' | 'baseBranch'>,
  to: { repository: string; baseBranch: string },
): Promise<void> {
  const dropped = await leaveRepository(tx, run.sessionId);
  // A ticket that is only rated is told nothing; nor where an answer leaves everything as it was.
  if (run.purpose === 'scope' || (from.repository === to.repository && from.baseBranch === to.baseBranch)) return;
  const where =
    from.repository === to.repository ? `\`${cleanText(to.baseBranch, 100)}\` as its base` : `\`${to.repository}\``;
  const spent =
    dropped === null ? '' : ` What I proposed as ${dropped} was for where I looked before, and counts no more.`;
  const body = `It says ${where} now: I work there.${spent}`;
  const conversation = await currentConversation(tx, run.sessionId);
  const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
  await addActivities(tx, stage, `moved/${run.number}`, [{ type: 'thought', body }]);
}
