import { z } from 'zod';
import { key, limit, nonEmpty, section } from '../lib/documented-key.ts';
import type { Problem } from './problems.ts';

const people = z.array(nonEmpty).default([]);
const positive = z.number().positive();

/** Whether people must say yes before the work is done, and whose yes it takes. */
export const approvalSection = section({
  plan: key(
    z.enum(['always', 'never']).default('never'),
    '`always` or `never`',
    'Whether every plan needs a yes before anything is changed. Where it does not, a ticket can ask for it: by the label `approval:plan` or its field.',
  ),
  by: key(
    people,
    'a list of names or ids',
    'Who may approve what is proposed; empty: everyone whose words are followed (`policy.people.speak`).',
  ),
  label: key(
    nonEmpty.nullable().default(null),
    'a label, or null',
    'One that approves what is proposed when somebody who may approve puts it on the ticket. One that is there before the proposal says nothing: it is taken off and put on again.',
  ),
  rejectLabel: key(nonEmpty.nullable().default(null), 'a label, or null', 'One that rejects it.'),
  field: key(
    nonEmpty.nullable().default(null),
    'the name of a field, or null',
    'One whose value approves or rejects it, as the same word in a comment does: `Approved`, `Rejected`, `yes`, `no`.',
  ),
  silenceMinutes: key(
    limit(positive, null),
    'a number above 0, or null',
    'Minutes without a word after which a plan counts as approved. null: it waits for a yes.',
  ),
});

/** `wishes`: what fields are called by which a ticket asks for an approval. */
export function clashingMarks(
  { label, rejectLabel, field }: z.output<typeof approvalSection>,
  wishes: readonly string[],
): Problem[] {
  const isSame = (one: string | null, other: string | null) =>
    one !== null && one.toLowerCase() === other?.toLowerCase();
  const at = (name: string, message: string): Problem => ({ path: ['policy', 'approval', name], message });
  return [
    ...(isSame(label, rejectLabel)
      ? [at('rejectLabel', 'policy.approval.rejectLabel and policy.approval.label are the same. Change one of them.')]
      : []),
    ...(wishes.some((name) => isSame(field, name))
      ? [
          at(
            'field',
            `policy.approval.field is "${field}", but by that field a ticket asks for an approval (fields.approval). Name another one.`,
          ),
        ]
      : []),
  ];
}

export const peopleSection = section({
  speak: key(
    people,
    'a list of names or ids (ids are safer: a name can be taken by others)',
    'Whose words on tickets are followed, beside those who may approve (`policy.approval.by`); empty: everyone on the ticket. What others say there is information to the agent, and never an order.',
  ),
});

/** What becomes of questions that nobody answers. */
export const questionsSection = section({
  remindHours: key(
    limit(positive, 24),
    'a number above 0, or null',
    'Hours without an answer after which a question is repeated, once. null: never.',
  ),
  closeDays: key(
    limit(positive, 14),
    'a number above 0, or null',
    'Days without an answer after which the session is closed; a comment continues it. null: never.',
  ),
});
