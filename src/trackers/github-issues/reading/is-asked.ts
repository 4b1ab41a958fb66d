import type { TicketHint } from '../../../core/ticket.ts';
import { mentions } from '../mention.ts';
import { isOwn, personOf } from '../people.ts';
import { isSame } from '../states.ts';
import { authorshipOf, type Desks, locate } from '../writing/place.ts';
import { isAgents } from '../writing/take-ticket.ts';
import { readIssue } from './read-ticket.ts';

/** Whether people who may write here have called the agent by its name, and nobody has taken the issue from it since. */
export async function isAsked(desks: Desks, hint: TicketHint, signal: AbortSignal): Promise<boolean> {
  const { api, label } = desks;
  const place = await locate(desks.repositories, hint, signal);
  const account = await desks.own(signal);
  const issue = await readIssue(desks, place, signal);
  if (isAgents(issue, label, account)) return true;
  const texts = [issue, ...(issue.comments === 0 ? [] : await api.comments(place, null, signal))];
  const calls = texts.filter((text) => {
    const { isBot, isOutsider } = personOf(text.user, account, authorshipOf(text), place.home.writers);
    return !isBot && !isOutsider && mentions(text.body, account.names);
  });
  const newest = calls
    .map(({ created_at }) => created_at)
    .sort()
    .at(-1);
  if (newest === undefined) return false;
  const events = await api.events(place, signal);
  return !events.some(({ event, created_at, label: about, assignee }) => {
    const isOurs =
      (event === 'unlabeled' && isSame(about?.name ?? '', label)) ||
      (event === 'unassigned' && assignee != null && isOwn({ id: 0, login: assignee.login }, account));
    return isOurs && Date.parse(created_at) >= Date.parse(newest);
  });
}
