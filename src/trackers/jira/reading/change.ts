import { z } from 'zod';
import type { Own } from '../people.ts';
import { isSame } from '../states.ts';

/** What of an issue was changed. The names of fields are in any language; their ids are not. */
export interface Change {
  fieldId: string;
  name: string;
  from: string | null;
  fromText: string | null;
  to: string | null;
  toText: string | null;
}

/** Jira calls one of its members "toString", which every object has: only its own counts. */
export const change = z.record(z.string(), z.unknown()).transform((item): Change => {
  const text = (key: string) => (Object.hasOwn(item, key) && typeof item[key] === 'string' ? item[key] : null);
  return {
    fieldId: text('fieldId') || (text('field') ?? ''),
    name: text('field') ?? '',
    from: text('from'),
    fromText: text('fromString'),
    to: text('to'),
    toText: text('toString'),
  };
});

/** A change has all labels in one text. They have no spaces in them. */
export function labelsIn(text: string | null): string[] {
  return (text ?? '').split(/\s+/).filter((each) => each !== '');
}

export function hasLabel(text: string | null, label: string): boolean {
  return labelsIn(text).some((each) => isSame(each, label));
}

/** Whether it takes the issue from the agent: from its account, or by its label. */
export function isTaking({ fieldId, from, fromText, toText }: Change, own: Own, label: string | null): boolean {
  if (fieldId === 'assignee') return own.accountId !== '' && from === own.accountId;
  return fieldId === 'labels' && label !== null && hasLabel(fromText, label) && !hasLabel(toText, label);
}

/** The place in a list is kept by numbers that nobody reads. */
export function isRank(text: string | null): boolean {
  return /^\d*\|\w+:/.test(text ?? '');
}
