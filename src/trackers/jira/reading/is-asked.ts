import type { Desks } from '../desks.ts';
import { isOwn, type Own, personOf } from '../people.ts';
import { signalOf } from '../signal-of.ts';
import type { Site } from '../sites.ts';
import { isSame } from '../states.ts';
import { mentions } from '../text.ts';
import { type Change, isRank, isTaking } from './change.ts';
import { findIssue, type IssueName } from './find-issue.ts';
import type { Issue } from './issue.ts';

/** What of an issue tells whose it is. */
export const belongingFields = ['assignee', 'labels', 'status'];

const askedFields = [...belongingFields, 'description', 'comment', 'creator', 'created'];

/**
 * Whether it is the agent's, or was: people have mentioned the agent on it, or a status or a query gave it to the agent, which has
 * moved it from there itself; and nobody has taken it away since.
 */
export async function isAsked(desks: Desks, hint: IssueName, signal: AbortSignal): Promise<boolean> {
  const wanted = { fields: askedFields, expand: ['changelog'] };
  const { site, issue } = await findIssue(desks.sites, hint, wanted, signal);
  const own = await site.own(signal);
  return isAgents(desks, issue, own) || isCalled(desks, issue, own) || isMovedByUs(desks, issue, own);
}

/** The same of one that a search found. */
export async function isCalledOn(desks: Desks, site: Site, id: string, signal: AbortSignal): Promise<boolean> {
  const hint = { id: '', identifier: id, ref: { site: site.host, issueId: id, projectId: null } };
  return isAsked(desks, hint, signal);
}

/** By the account that it is assigned to, its label or its status. */
export function isAgents(
  { label, status }: Pick<Desks, 'label' | 'status'>,
  { fields }: { fields: Pick<Issue['fields'], 'assignee' | 'labels' | 'status'> },
  own: Own,
): boolean {
  return (
    isOwn(fields.assignee, own) ||
    (label !== null && (fields.labels ?? []).some((each) => isSame(each, label))) ||
    (status !== null && isSame(fields.status?.name ?? '', status))
  );
}

/** Who says "@shipmate stop" does not ask for work. */
function isCalled(desks: Desks, { fields, changelog }: Issue, own: Own): boolean {
  const { agent, label } = desks;
  const texts = [
    { author: fields.creator, body: fields.description, created: fields.created },
    ...(fields.comment?.comments ?? []),
  ];
  const newest = texts
    .filter(({ author, body }) => {
      const { isBot, isOutsider } = personOf(author, own);
      return !isBot && !isOutsider && mentions(body, own, [agent]) && signalOf(body, own, agent) === null;
    })
    .map(({ created }) => created)
    .sort()
    .at(-1);
  if (newest === undefined) return false;
  return !(changelog?.histories ?? []).some(
    ({ created, items }) => created >= newest && items.some((item) => isTaking(item, own, label)),
  );
}

/** A query may have gone by any of an issue's fields, but hardly by these. */
const words = ['summary', 'description', 'attachment', 'issuelinks', 'comment'];

/** By a query nobody knows what took an issue from it: unless people changed something since, our own move did. */
function isMovedByUs({ status, jql, label }: Desks, { changelog }: Issue, own: Own): boolean {
  if (status === null && jql === null) return false;
  const newestFirst = (changelog?.histories ?? []).toSorted((a, b) => Date.parse(b.created) - Date.parse(a.created));
  const moves = newestFirst.filter(({ items }) => items.some(({ fieldId }) => fieldId === 'status'));
  const theirs = moves.findIndex(({ author }) => !isOwn(author, own));
  const first = (theirs === -1 ? moves : moves.slice(0, theirs)).at(-1);
  if (!first) return false;
  const later = newestFirst.slice(0, newestFirst.indexOf(first)).filter(({ author }) => !isOwn(author, own));
  const changed = later.flatMap(({ items }) => items);
  if (changed.some((item) => isTaking(item, own, label))) return false;
  const from = first.items.find(({ fieldId }) => fieldId === 'status')?.fromText ?? '';
  return (status !== null && isSame(from, status)) || (jql !== null && changed.every((item) => isOfWords(item)));
}

function isOfWords({ fieldId, toText }: Change): boolean {
  return words.includes(fieldId.toLowerCase()) || isRank(toText);
}
