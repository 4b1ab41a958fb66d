import { isOver } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { taken } from '../../one-comment/activity-text.ts';
import type { Act } from '../../one-comment/send-row.ts';
import type { Issue } from '../api.ts';
import { isOwn, type Own } from '../people.ts';
import { categoryOf, hasLabel, stateOf } from '../states.ts';
import type { Desks, Located } from './place.ts';

/**
 * The agent has an issue by its label, or as one who is assigned. An App cannot be assigned, so it takes the label; an account
 * of a person's kind is assigned, where GitHub lets it be.
 */
export async function takeTicket({ api, label, own }: Desks, place: Located, signal: AbortSignal): Promise<Act> {
  const account = await own(signal);
  const issue = await api.issue(place, signal);
  const no = (skipped: string) => ({ result: { skipped } });
  if (isOver(categoryOf(issue))) return no(`The ticket is "${stateOf(issue).name}".`);
  if (isAgents(issue, label, account)) return { result: { at: issue.updated_at } };
  const [other] = issue.assignees ?? [];
  if (other) return no(`${other.login} has the ticket.`);
  const assigned = account.mayBeAssigned ? await api.assign(place, account.login, signal) : issue;
  if (!isAgents(assigned, label, account)) await api.addLabels(place, [label], signal);
  const { updated_at: at } = await api.issue(place, signal);
  return { result: { at }, said: taken };
}

export async function releaseTicket(
  desks: Desks,
  place: Located,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { api, label, own } = desks;
  const account = await own(signal);
  const issue = await api.issue(place, signal);
  if (!isAgents(issue, label, account)) return { skipped: 'The ticket is not mine any more.' };
  const assigned = (issue.assignees ?? []).find((assignee) => isOwn(assignee, account));
  if (assigned) await api.unassign(place, assigned.login, signal);
  if (hasLabel(issue, label)) await removeLabel(desks, place, label, signal);
  return { released: true };
}

export function isAgents(issue: Pick<Issue, 'labels' | 'assignees'>, label: string, own: Own): boolean {
  return hasLabel(issue, label) || (issue.assignees ?? []).some((assignee) => isOwn(assignee, own));
}

/** One that is there no more is as good as removed. */
export async function removeLabel(
  { api }: Pick<Desks, 'api'>,
  place: Located,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  await api.removeLabel(place, name, signal).catch((error: unknown) => {
    if (!(error instanceof VendorError) || error.code !== 'not_found') throw error;
  });
}
