import type { TicketOperation } from '../../../core/effect.ts';
import { isOver, notStarted, type StateCategory } from '../../../core/ticket.ts';
import type { Issue } from '../api.ts';
import { isOwn } from '../people.ts';
import { categoryOf, isSame, labelFor, nameOf, stateLabelsOf, stateOf } from '../states.ts';
import { authorshipOf, type Desks, type Located } from './place.ts';
import { removeLabel } from './take-ticket.ts';

/**
 * GitHub cannot make a change depend on what it expects, so an issue is looked at before and after: what a person has
 * chosen meanwhile stands, and our label goes again.
 */
export async function moveTicket(
  desks: Desks,
  place: Located,
  { to, from }: TicketOperation & { kind: 'moveTicket' },
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { api } = desks;
  const before = await api.issue(place, signal);
  const now = categoryOf(before);
  if (now === to) return { state: stateOf(before).name };
  if (!from.includes(now) || ((await isBegunByPeople(desks, place, before, to, signal)) && notStarted.includes(to)))
    return { skipped: skipped(stateOf(before).name, to) };
  if (isOver(to)) {
    const reason = to === 'done' ? 'completed' : 'not_planned';
    await api.update(place, { state: 'closed', state_reason: reason }, signal);
    await removeLabels(desks, place, stateLabelsOf(before), signal);
    return { state: nameOf(to) };
  }
  const label = labelFor(to);
  const old = stateLabelsOf(before).filter((each) => label === null || !isSame(each, label));
  if (before.state !== 'open') await api.update(place, { state: 'open' }, signal);
  if (label !== null) await api.addLabels(place, [label], signal);
  await removeLabels(desks, place, old, signal);
  const after = await api.issue(place, signal);
  const others = stateLabelsOf(after).filter(
    (each) => (label === null || !isSame(each, label)) && !stateLabelsOf(before).some((known) => isSame(known, each)),
  );
  if (after.state === 'open' && others.length === 0) return { state: nameOf(to) };
  if (label !== null) await removeLabels(desks, place, [label], signal);
  return { skipped: skipped(after.state === 'open' ? (others[0] ?? '') : stateOf(after).name, to) };
}

function skipped(found: string, wanted: StateCategory): string {
  return `A person moved the ticket to "${found}", so it was not moved to "${nameOf(wanted)}".`;
}

/** What we have begun is taken back; what people have is not. */
async function isBegunByPeople(
  { api, own }: Desks,
  place: Located,
  issue: Issue,
  to: StateCategory,
  signal: AbortSignal,
): Promise<boolean> {
  const [label] = stateLabelsOf(issue).filter((each) => each === labelFor(categoryOf(issue)));
  if (!notStarted.includes(to) || label === undefined || notStarted.includes(categoryOf(issue))) return false;
  const account = await own(signal);
  const chosen = (await api.events(place, signal)).findLast(
    (event) => event.event === 'labeled' && isSame(event.label?.name ?? '', label),
  );
  return chosen !== undefined && !isOwn(chosen.actor, account, authorshipOf(chosen as never));
}

async function removeLabels(desks: Desks, place: Located, labels: readonly string[], signal: AbortSignal) {
  for (const label of labels) await removeLabel(desks, place, label, signal);
}
