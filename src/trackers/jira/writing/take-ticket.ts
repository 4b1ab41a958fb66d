import { isOver } from '../../../core/ticket.ts';
import { taken } from '../../one-comment/activity-text.ts';
import type { Act } from '../../one-comment/send-row.ts';
import { isOwn } from '../people.ts';
import { categoryOf } from '../states.ts';
import type { Moving } from './move-ticket.ts';
import { readStanding, type Standing } from './standing.ts';

/** The agent has an issue as its assignee. Jira cannot make that depend on nobody's having it, so it is looked at again. */
export async function takeTicket({ place, states, pace, signal }: Moving, seen: Standing): Promise<Act> {
  const own = await place.site.own(signal);
  const no = (skipped: string) => ({ result: { skipped } });
  if (isOver(categoryOf(seen.status, states, seen.resolution))) return no(`The ticket is in "${seen.status.name}".`);
  if (isOwn(seen.assignee, own)) return { result: { at: sinceWhen(seen, own.accountId) } };
  if (seen.assignee) return no(`${seen.assignee.displayName ?? 'Somebody'} has the ticket.`);
  await assign({ place, pace, signal }, own.accountId);
  const now = await readStanding(place, signal);
  const ours = now.changes.find(({ field, isOurs, to }) => field === 'assignee' && isOurs && to === own.accountId);
  if (ours && ours.from !== null && ours.from !== own.accountId) {
    // Somebody took it between our look and our taking.
    await assign({ place, pace, signal }, ours.from);
    return no(`${ours.fromName || 'Somebody'} has the ticket.`);
  }
  if (!isOwn(now.assignee, own)) return no(`${now.assignee?.displayName ?? 'Nobody'} has the ticket now.`);
  return { result: { at: sinceWhen(now, own.accountId) }, said: taken };
}

export async function releaseTicket(
  { place, pace, signal }: Omit<Moving, 'states'>,
  seen: Standing,
): Promise<Record<string, unknown>> {
  const own = await place.site.own(signal);
  if (!isOwn(seen.assignee, own)) return { skipped: 'The ticket is not mine any more.' };
  await assign({ place, pace, signal }, null);
  const { changes } = await readStanding(place, signal);
  const ours = changes.find(({ field, isOurs, to }) => field === 'assignee' && isOurs && to === null);
  if (!ours || ours.from === null || ours.from === own.accountId) return { released: true };
  await assign({ place, pace, signal }, ours.from);
  return { skipped: `The ticket is not mine any more: ${ours.fromName || 'somebody'} has it.` };
}

async function assign(
  { place, pace, signal }: Pick<Moving, 'place' | 'pace' | 'signal'>,
  accountId: string | null,
): Promise<void> {
  await pace();
  // As jira.js has it an account is text; null is what Jira takes for nobody.
  const to = { accountId } as unknown as { accountId: string };
  await place.site.client.on(signal).issues.assignIssue({ issueIdOrKey: place.issue, ...to });
  place.site.touch(place.issue);
}

/** By Jira's clock. One that was ours from its making on has no such change. */
function sinceWhen({ changes, updatedAt }: Standing, account: string): string {
  return changes.find(({ field, to }) => field === 'assignee' && to === account)?.at ?? updatedAt;
}
