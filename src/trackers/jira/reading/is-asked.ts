import type { Desks } from '../desks.ts';
import { isOwn, type Own, personOf } from '../people.ts';
import { signalOf } from '../signal-of.ts';
import type { Site } from '../sites.ts';
import { isSame } from '../states.ts';
import { mentions } from '../text.ts';
import { findIssue } from './find-issue.ts';
import type { Issue } from './issue.ts';

/** What of an issue tells whose it is. */
export const belongingFields = ['assignee', 'labels', 'status'];

const askedFields = [...belongingFields, 'description', 'comment', 'creator', 'created'];

/** Whether it is the agent's, or people have mentioned the agent on it and nobody has taken it away since. */
export async function isAsked(
  desks: Desks,
  hint: { id: string; identifier: string; ref: unknown },
  signal: AbortSignal,
): Promise<boolean> {
  const wanted = { fields: askedFields, expand: ['changelog'] };
  const { site, issue } = await findIssue(desks.sites, hint, wanted, signal);
  const own = await site.own(signal);
  return isAgents(desks, issue, own) || isCalled(desks, issue, own);
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
    ({ created, items }) =>
      created >= newest &&
      items.some(
        ({ fieldId, from, fromText, toText }) =>
          (fieldId === 'assignee' && from === own.accountId) ||
          (fieldId === 'labels' && label !== null && has(fromText, label) && !has(toText, label)),
      ),
  );
}

/** Labels have no spaces in them; a change has all of them in one text. */
export function has(labels: string | null, label: string): boolean {
  return (labels ?? '').split(/\s+/).some((each) => isSame(each, label));
}
